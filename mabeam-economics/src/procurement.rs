//! Buying work from those who state their cost.
