from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("detector", "0003_recipe_by_name"),
    ]

    operations = [
        migrations.AddField(
            model_name="trainingrun",
            name="resumptions",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="Times it was taken up again after its worker died, since it last got further.",
            ),
        ),
    ]
