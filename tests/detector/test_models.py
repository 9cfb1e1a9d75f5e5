"""The tables and the models agree."""

import pytest
from django.core.management import call_command

from detector.models import TrainingRun
from ml.config import TrainConfig


@pytest.mark.django_db
def test_every_change_of_a_model_has_its_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_new_run_has_the_recipe_of_the_shipped_detector():
    run, recipe = TrainingRun(), TrainConfig()
    assert (run.epochs, run.image_size) == (recipe.epochs, recipe.image_size)
    assert (run.batch_size, run.learning_rate, run.seed) == (recipe.batch_size, recipe.lr, recipe.seed)
