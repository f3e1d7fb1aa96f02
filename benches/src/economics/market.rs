//! Markets: an order book in traffic, a double auction of many traders, a market maker's quotes.

use std::collections::VecDeque;
use std::iter;

use mabeam_economics::market::double_auction;
use mabeam_economics::market::lmsr::Lmsr;
use mabeam_economics::market::order_book::{Order, OrderBook, OrderId, Side, Terms};
use mabeam_economics::{AgentId, Amount, Money};

use super::numbers::Numbers;

/// How many orders rest in the book.
const RESTING: usize = 10_000;
/// How many orders are drawn; they come again.
const DRAWN: usize = 1 << 16;
/// How many traders a side of the double auction has.
const TRADERS: usize = 1_000_000;

/// `order_book`: 10,000 orders wait at up to 200 prices a side, and one operation in two cancels the
/// oldest, unless trades left fewer; each other brings a new order, of which one in eight trades.
pub fn order_book() -> impl FnMut(u64) -> Option<OrderId> + Clone + Send + 'static {
    let orders = orders();
    let mut book = OrderBook::new(2 * RESTING).expect("a limit within bounds");
    let mut ids = VecDeque::with_capacity(4 * RESTING);
    let mut next = orders.into_iter().cycle();
    let mut operation = move |n: u64| {
        if n.is_multiple_of(2) && book.len() >= RESTING {
            // Those that traded meanwhile are passed over.
            return iter::from_fn(|| ids.pop_front()).find(|&id| book.cancel(id).is_some());
        }
        let placed = book.place(next.next()?).expect("there is room").resting;
        ids.extend(placed);
        placed
    };
    for n in 0..4 * RESTING as u64 {
        operation(n);
    }
    operation
}

/// `mcafee`: two million traders, each with one unit.
pub fn mcafee() -> impl FnMut(u64) -> Option<i64> + Clone + Send + 'static {
    let mut draw = Numbers(2);
    let mut side = || -> Vec<Money> { (0..TRADERS).map(|_| money(draw.below(1 << 40))).collect() };
    let (bids, asks) = (side(), side());
    move |_| double_auction::mcafee(&bids, &asks).prices.map(|prices| prices.paid.units())
}

/// `lmsr_quote`: what some shares of one of two outcomes cost.
pub fn lmsr_quote() -> impl FnMut(u64) -> i64 + Clone + Send + 'static {
    let maker = Lmsr::resume(money(1_000_000), vec![400_000, 150_000]).expect("a valid maker");
    let shares: Vec<i64> = (1..=1024).map(|shares| shares * 100).collect();
    move |n| {
        let n = usize::try_from(n).expect("fewer operations than addresses");
        maker.quote(n % 2, shares[n % shares.len()]).expect("within bounds").units()
    }
}

/// One in eight trades up to ten prices beyond the middle; the rest waits within 200 prices.
fn orders() -> Vec<Order> {
    let mut draw = Numbers(1);
    let mut order = |_| {
        let side = if draw.below(2) == 0 { Side::Buy } else { Side::Sell };
        let away = 1 + draw.below(200).min(draw.below(200));
        let (trades, quantity) = (draw.below(8) == 0, Amount::new(1 + draw.below(100)));
        let from_the_middle = match side {
            Side::Buy => -cents(away),
            Side::Sell => cents(away),
        };
        let terms = if trades {
            Terms::ImmediateOrCancel(price(-from_the_middle.signum() * 10))
        } else {
            Terms::Limit(price(from_the_middle))
        };
        Order { agent: AgentId(draw.below(1000)), side, terms, quantity }
    };
    (0..DRAWN).map(&mut order).collect()
}

fn price(from_the_middle: i64) -> Money {
    Money::new(100_000 + from_the_middle).expect("a small sum")
}

fn money(units: u64) -> Money {
    Money::new(cents(units)).expect("a small sum")
}

fn cents(units: u64) -> i64 {
    i64::try_from(units).expect("a small number")
}
