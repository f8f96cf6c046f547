DROP TABLE bank_account, item, customer_address, customer_contact, customer_gstin, portfolio_customer, customer, payment_terms, gst_registration CASCADE;
DROP FUNCTION keep_portfolio;
