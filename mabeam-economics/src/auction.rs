//! Selling to whoever bids: what is sold to whom, and what it pays.
