DROP TABLE tds_shortfall, tds_sighting, tds_certificate_line, tds_certificate, opening_certificate, opening_item, adjustment_line, adjustment, refund, recovery, write_off_line, write_off;
DROP FUNCTION correction_is_posted, moves_as_allowed;
