use crate::refusals;

refusals! {
    FILE_INVALID = "import_file_invalid" 422 "The file cannot be read";
    INVALID_ROWS = "import_has_invalid_rows" 409 "Some rows of the file are not valid";
    DUPLICATE_IN_FILE = "duplicate_in_file" 409 "An earlier row of the file has the same identity";
}
