//! The word that somebody most likely meant.

/// Words longer than this are not compared: nobody mistypes them, and comparing costs the product of
/// the lengths.
const MAX_BYTES: usize = 256;

/// The word of `known` that is closest to `word`, if no more than a third of it differs
/// (Levenshtein's distance).
pub(crate) fn similar<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > MAX_BYTES {
        return None;
    }
    let short = known.into_iter().filter(|known| known.len() <= MAX_BYTES);
    let (distance, closest) = short.map(|known| (strsim::levenshtein(word, known), known)).min()?;
    (distance <= (closest.len() / 3).max(1)).then_some(closest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_nearly_the_same_is_similar() {
        let known = ["owner", "operation", "max"];
        assert_eq!(similar("operatoin", known), Some("operation"));
        assert_eq!(similar("mx", known), Some("max"));
        assert_eq!(similar("relative_to", known), None);
        assert_eq!(similar("anything", []), None);
        assert_eq!(similar(&"x".repeat(10_000), known), None);
    }
}
