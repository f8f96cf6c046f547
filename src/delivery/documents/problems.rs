use crate::refusals;

refusals! {
    TEMPLATE_INVALID = "template_invalid" 422 "The template cannot be laid out";
    IMAGE_INVALID = "image_invalid" 422 "The image cannot be used";
    NOT_PRINTABLE = "not_printable" 409 "There is no such document of this yet";
}
