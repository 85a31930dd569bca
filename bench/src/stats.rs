//! The arithmetic of the table: percentiles, medians and ratios.

/// The value below or at which `percent` per cent of the samples lie (nearest rank), `None` without samples.
///
/// The samples must be sorted in ascending order.
pub(crate) fn percentile(sorted: &[u64], percent: u64) -> Option<u64> {
    let count = u64::try_from(sorted.len()).ok()?;
    let rank = count.checked_mul(percent)?.div_ceil(100).max(1);
    sorted.get(usize::try_from(rank - 1).ok()?).copied()
}

/// The middle value, or the mean of the two in the middle; `None` without values.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    let high = *values.get(upper)?;
    if values.len() % 2 == 1 {
        return Some(high);
    }
    let low = *values.get(upper.checked_sub(1)?)?;
    Some(f64::midpoint(low, high))
}

/// `value / base`, `None` when the base is zero or either is not a finite number.
pub(crate) fn ratio(value: f64, base: f64) -> Option<f64> {
    let quotient = value / base;
    quotient.is_finite().then_some(quotient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_is_the_nearest_rank() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 50), Some(50));
        assert_eq!(percentile(&hundred, 99), Some(99));
        assert_eq!(percentile(&hundred, 100), Some(100));
        assert_eq!(percentile(&[7, 9], 50), Some(7));
        assert_eq!(percentile(&[7, 9], 99), Some(9));
        assert_eq!(percentile(&[7], 0), Some(7));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn median_ignores_order_and_one_outlier() {
        assert_eq!(median(vec![900.0, 3.0, 2.0]), Some(3.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn ratio_has_no_answer_without_a_base() {
        assert_eq!(ratio(3.0, 2.0), Some(1.5));
        assert_eq!(ratio(3.0, 0.0), None);
        assert_eq!(ratio(0.0, 0.0), None);
        assert_eq!(ratio(f64::NAN, 1.0), None);
    }
}
