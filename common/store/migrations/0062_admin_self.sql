-- Accounts log in at admind too, to change their own password and app passwords (REST /self).
GRANT EXECUTE ON FUNCTION directory.auth_lookup_v1(text), directory.app_password_login_v1(text, bytea),
  directory.credential_upgrade_v1(bigint, text, text, text, bytea, integer, bytea, bytea,
                                  bytea, integer, bytea, bytea)
  TO dromos_admind;
