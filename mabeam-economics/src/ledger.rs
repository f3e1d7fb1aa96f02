//! Who has how much money: double entry.
