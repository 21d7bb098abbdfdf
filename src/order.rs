//! The order of a few things: loops and terms, of which there are about as many as dimensions.

/// Sorts by a key; what has the same one stays in its order. By insertion, which is the quickest for so few, and a hundredth of the code
/// that sorting slices of any length takes for each type.
pub fn sort_few<T, K: Ord>(few: &mut [T], key: impl Fn(&T) -> K) {
    for i in 1..few.len() {
        let mut at = i;
        while at > 0 && key(&few[at - 1]) > key(&few[at]) {
            few.swap(at - 1, at);
            at -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_sorted_like_many() {
        for len in 0..20 {
            let mut few: Vec<(u32, usize)> = (0..len).map(|i| (i as u32 * 7 % 5, i)).collect();
            let mut many = few.clone();
            sort_few(&mut few, |item| item.0);
            many.sort_by_key(|item| item.0);
            assert_eq!(few, many);
        }
    }
}
