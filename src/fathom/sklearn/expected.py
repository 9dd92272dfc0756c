"""Which of scikit-learn's checks the estimators do not pass, as `check_estimator` takes it."""

EXPECTED_FAILED_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a row of weight 2 counts twice in the loss of its batch; the same row twice lies in two "
        "batches of other rows, or in the validation part: that is another training"
    ),
}
