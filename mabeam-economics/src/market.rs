//! Many buyers and many sellers: who trades with whom, at which price.
