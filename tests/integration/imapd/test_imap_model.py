"""Random commands of several sessions against a model (imap_model.py); by hand: imap_model_run.py."""
import pytest

from imap_model import World


@pytest.mark.config({"imapd": {"workers": 2}})
@pytest.mark.parametrize("seed", range(1, 5))
def test_random_sessions_agree_with_the_model(suite, accounts, seed):
    suite.start("mta", "imapd")
    world = World(suite, seed)
    try:
        world.run(250)
    finally:
        world.close()
