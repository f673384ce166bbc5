import numpy as np
import pytest

from skinmodel.lessons.optimizers import (
    FAR,
    REPORT,
    RULES,
    SURFACES,
    Moments,
    Settings,
    descend,
    step_adam,
    step_momentum,
    step_plain,
    step_rmsprop,
)
from skinmodel.training.recipes import load_recipe


@pytest.mark.parametrize("name", SURFACES)
def test_gradients_are_the_slopes_of_the_loss(name, rng):
    surface, step = SURFACES[name], 1e-6
    for point in rng.uniform(-2, 2, (20, 2)):
        measured = [
            (surface.loss(point + step * axis) - surface.loss(point - step * axis)) / (2 * step)
            for axis in np.eye(2)
        ]
        np.testing.assert_allclose(surface.gradient(point), measured, atol=1e-5)


@pytest.mark.parametrize("name", SURFACES)
def test_minima_are_minima_and_starts_are_in_the_window(name):
    surface = SURFACES[name]
    lowest = np.array(surface.minimum)
    np.testing.assert_allclose(surface.gradient(lowest), 0, atol=1e-12)
    around = lowest + 0.01 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1]])
    assert (surface.loss(around) > surface.loss(lowest)).all()
    left, right, bottom, top = surface.window
    for x, y in (surface.start, surface.minimum):
        assert left < x < right
        assert bottom < y < top


def test_steps_worked_by_hand():
    gradient, settings = np.array([2.0, -4.0]), Settings(0.1, 0.5, 0.75, 1.0)
    np.testing.assert_allclose(step_plain(gradient, Moments(), 1, settings), [-0.2, 0.4])
    moments = Moments()
    step_momentum(gradient, moments, 1, settings)
    again = step_momentum(gradient, moments, 2, settings)
    np.testing.assert_allclose(again, [-0.3, 0.6])  # half of -0.2 carried on, and -0.2
    # RMSProp: the mean square is a quarter of 4 and of 16; epsilon stands under the root.
    found = step_rmsprop(gradient, Moments(), 1, settings)
    np.testing.assert_allclose(found, [-0.2 / np.sqrt(2), 0.4 / np.sqrt(5)])
    # Adam's first step without epsilon is the rate itself, whatever the slope's size.
    first = step_adam(gradient, Moments(), 1, Settings(0.1, 0.5, 0.75, 0.0))
    np.testing.assert_allclose(first, [-0.1, 0.1])


def test_the_reports_settings_are_those_of_its_recipe():
    recipe = load_recipe("report", "cnn", "float32")
    assert recipe.optimizer == "adam"
    assert (REPORT.rate, REPORT.beta_1, REPORT.beta_2, REPORT.epsilon) == (
        recipe.learning_rate,
        recipe.beta_1,
        recipe.beta_2,
        recipe.epsilon,
    )


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_gets_down_the_bowl(rule):
    path = descend(SURFACES["Long bowl"], RULES[rule], Settings(0.02, beta_2=0.9), 400)
    assert path.weights.shape == (401, 2)
    assert not path.diverged
    assert path.losses[-1] < 0.01 * path.losses[0]
    np.testing.assert_array_equal(path.weights[0], SURFACES["Long bowl"].start)


def test_a_rate_that_is_too_high_diverges_and_the_path_ends():
    # The bowl's steeper axis has a curvature of 25: above 2 / 25 plain descent overshoots more
    # with every step.
    path = descend(SURFACES["Long bowl"], RULES["SGD"], Settings(0.1), 1000)
    assert path.diverged
    assert len(path.weights) < 1001
    assert (np.abs(path.weights) < FAR).all()
    assert not descend(SURFACES["Long bowl"], RULES["SGD"], Settings(0.079), 1000).diverged


def test_noise_is_a_function_of_its_seed_and_the_same_for_every_rule():
    surface = SURFACES["Long bowl"]
    one, two, other = (
        descend(surface, RULES["SGD"], Settings(0.01), 5, noise=1.0, seed=seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.weights, two.weights)
    assert not np.array_equal(one.weights, other.weights)


@pytest.mark.parametrize("name", SURFACES)
def test_keras_takes_the_same_steps(name):
    import keras

    settings = Settings(0.01, 0.85, 0.97, 1e-3)
    theirs = {
        "SGD": keras.optimizers.SGD(0.01),
        "Momentum": keras.optimizers.SGD(0.01, momentum=0.85),
        "RMSProp": keras.optimizers.RMSprop(0.01, rho=0.97, epsilon=1e-3),
        "Adam": keras.optimizers.Adam(0.01, beta_1=0.85, beta_2=0.97, epsilon=1e-3),
    }
    assert list(theirs) == list(RULES)
    surface = SURFACES[name]
    for rule, optimizer in theirs.items():
        ours = descend(surface, RULES[rule], settings, 40)
        weights = keras.Variable(np.array(surface.start, np.float32))
        optimizer.build([weights])
        for step in range(40):
            gradient = surface.gradient(weights.numpy().astype(np.float64))
            optimizer.apply([keras.ops.convert_to_tensor(gradient.astype(np.float32))], [weights])
            np.testing.assert_allclose(
                weights.numpy(), ours.weights[step + 1], atol=2e-4, err_msg=rule
            )
