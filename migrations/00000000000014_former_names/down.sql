DROP TRIGGER keep_former_name ON gl_account;
DROP TRIGGER keep_former_name ON customer;
DROP FUNCTION keep_former_name;
DROP TABLE former_name;
