"""The harness itself: databases are apart, certificates verify, the configuration it writes is complete."""
import subprocess

import pytest
import yaml

from dromostest import certificates
from dromostest.daemons import Failure, merge


def test_each_test_has_a_database_of_its_own(cluster, database):
    assert database.startswith("t_")
    assert cluster.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'mail'", database=database) == "1"
    cluster.psql("CREATE TABLE public.mine()", database=database)
    other = cluster.create_database()
    try:
        assert cluster.psql("SELECT to_regclass('public.mine') IS NULL", database=other) == "t"
    finally:
        cluster.drop_database(other)


def test_the_cluster_is_durable_and_private(cluster):
    assert cluster.psql("SHOW fsync") == "on"
    assert cluster.psql("SHOW full_page_writes") == "on"
    assert cluster.psql("SHOW listen_addresses") == ""


def test_certificates_verify_against_the_authority():
    authority = certificates.shared_authority()
    pair = authority.pair("mx.example.test")
    done = subprocess.run(["openssl", "verify", "-CAfile", str(authority.ca.certificate), "-verify_hostname",
                           "mx.example.test", str(pair.certificate)], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.config({"mta": {"limits": {"recipients": 123}}})
def test_changes_are_merged_into_the_configuration(suite):
    written = yaml.safe_load(suite.config_file.read_text())
    assert written["mta"]["limits"]["recipients"] == 123
    assert written["mta"]["listeners"]["mx"] == ["127.0.0.1:0"]
    assert merge({"a": {"b": 1}}, {"a": {"c": 2}}) == {"a": {"b": 1, "c": 2}}


def test_a_daemon_that_is_not_built_is_an_error(suite):
    with pytest.raises(Failure, match="is not built"):
        suite.start("nosuch")
