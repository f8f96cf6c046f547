DROP VIEW state_document_print, state_statement, state_document_settings, state_document_logo, state_document_template;
DROP TABLE document_print, statement, document_settings, document_logo, document_template;
DROP FUNCTION touch_document_print, touch_document_print_added, touch_statement, touch_statement_added, touch_document_settings, touch_document_settings_added,
    touch_document_logo, touch_document_logo_added, touch_document_template, touch_document_template_added;
-- Without the tables that are gone.
CALL govern('[]');
