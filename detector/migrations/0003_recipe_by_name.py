from functools import partial

import django.core.validators
from django.db import migrations, models

import detector.models


class Migration(migrations.Migration):
    dependencies = [
        ("detector", "0002_recipe_defaults"),
    ]

    operations = [
        migrations.AlterField(
            model_name="trainingrun",
            name="batch_size",
            field=models.PositiveIntegerField(
                default=partial(detector.models.recipe, "batch_size"),
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AlterField(
            model_name="trainingrun",
            name="epochs",
            field=models.PositiveIntegerField(
                default=partial(detector.models.recipe, "epochs"),
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="trainingrun",
            name="image_size",
            field=models.PositiveIntegerField(
                default=partial(detector.models.recipe, "image_size"),
                validators=[
                    django.core.validators.MinValueValidator(64),
                    django.core.validators.MaxValueValidator(640),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="trainingrun",
            name="learning_rate",
            field=models.FloatField(
                default=partial(detector.models.recipe, "lr"),
                validators=[
                    django.core.validators.MinValueValidator(1e-06),
                    django.core.validators.MaxValueValidator(1.0),
                ],
            ),
        ),
    ]
