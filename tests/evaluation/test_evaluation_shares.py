import numpy as np

from skinmodel.evaluation.measures.metrics import divide, mean_of_defined

NAN = float("nan")


def test_a_share_of_nothing_is_not_defined():
    found = divide(np.array([1.0, 0.0, 0.0]), np.array([4.0, 2.0, 0.0]))
    np.testing.assert_array_equal(found, [0.25, 0.0, NAN])


def test_shares_of_one_whole():
    found = divide(np.array([1.0, 3.0]), np.array([4.0]))
    np.testing.assert_array_equal(found, [0.25, 0.75])
    np.testing.assert_array_equal(divide(np.array([1.0, 3.0]), np.array([0.0])), [NAN, NAN])


def test_a_mean_leaves_out_what_is_not_defined():
    values = np.array([[1.0, 0.5, NAN], [NAN, NAN, NAN], [0.0, 0.0, 0.75]])
    np.testing.assert_array_equal(mean_of_defined(values), [0.75, NAN, 0.25])


def test_a_weighted_mean_leaves_out_weights_of_what_is_not_defined():
    values = np.array([[1.0, 0.5, NAN], [1.0, 0.0, 0.0], [NAN, 0.5, 0.5]])
    weights = np.array([[3.0, 1.0, 9.0], [1.0, 2.0, 1.0], [1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(mean_of_defined(values, weights), [0.875, 0.25, NAN])
