//! The laws of the order book: against a plain model, one by one, and matchings that break them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::AgentId;

use super::*;

/// A resting order as the model knows it; the sequence is its arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plain {
    sequence: u64,
    agent: u64,
    side: Side,
    price: i64,
    quantity: u64,
}

/// A trade as the model knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PlainTrade {
    maker: u64,
    maker_left: u64,
    buyer: u64,
    seller: u64,
    price: i64,
    quantity: u64,
}

/// How a model departs from the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    LastInFirst,
    WorstPriceFirst,
    TakersPrice,
    LimitNotKept,
    UnitsLost,
    RestsWhileItCouldTrade,
    FillsPartOfAllOrNothing,
}

/// A list of orders, searched from end to end.
#[derive(Clone, Debug)]
struct Model {
    orders: Vec<Plain>,
    sequence: u64,
    fault: Fault,
}

/// Whether an order on `side` with this limit trades at `price`.
fn acceptable(side: Side, limit: Option<i64>, price: i64) -> bool {
    match side {
        Side::Buy => limit.is_none_or(|limit| price <= limit),
        Side::Sell => limit.is_none_or(|limit| price >= limit),
    }
}

/// Smaller trades first, with an order that is `side`.
fn priority(side: Side, order: &Plain) -> (i64, u64) {
    let price = if side == Side::Buy { order.price } else { -order.price };
    (price, order.sequence)
}

fn limit_of(order: &Order) -> Option<i64> {
    order.terms.limit().map(Money::units)
}

impl Model {
    fn new(fault: Fault) -> Self {
        Self { orders: Vec::new(), sequence: 0, fault }
    }

    /// The places of the orders that `order` may trade with, first to trade first.
    fn counterparts(&self, order: &Order) -> Vec<usize> {
        let limit = limit_of(order).filter(|_| self.fault != Fault::LimitNotKept);
        let mut places: Vec<usize> = (0..self.orders.len())
            .filter(|&place| self.orders[place].side != order.side)
            .filter(|&place| acceptable(order.side, limit, self.orders[place].price))
            .collect();
        places.sort_by_key(|&place| {
            let (price, sequence) = priority(order.side, &self.orders[place]);
            match self.fault {
                Fault::LastInFirst => (price, -i128::from(sequence)),
                Fault::WorstPriceFirst => (-price, i128::from(sequence)),
                _ => (price, i128::from(sequence)),
            }
        });
        places
    }

    /// The trades, the sequence of what rests, and what did not trade.
    fn place(&mut self, order: &Order) -> (Vec<PlainTrade>, Option<u64>, u64) {
        let counterparts = self.counterparts(order);
        let mut left = order.quantity.units();
        let available: u128 =
            counterparts.iter().map(|&place| u128::from(self.orders[place].quantity)).sum();
        let kill = matches!(order.terms, Terms::FillOrKill(_))
            && available < u128::from(left)
            && self.fault != Fault::FillsPartOfAllOrNothing;
        let mut trades = Vec::new();
        let idle = self.fault == Fault::RestsWhileItCouldTrade && order.terms.rests();
        for place in counterparts {
            let maker = &mut self.orders[place];
            let quantity = maker.quantity.min(left);
            if quantity == 0 || kill || idle {
                continue;
            }
            maker.quantity -= quantity;
            left -= quantity;
            let lost = self.fault == Fault::UnitsLost && maker.quantity > 0;
            maker.quantity -= u64::from(lost);
            let (buyer, seller) = match order.side {
                Side::Buy => (order.agent.0, maker.agent),
                Side::Sell => (maker.agent, order.agent.0),
            };
            let takers = limit_of(order).filter(|_| self.fault == Fault::TakersPrice);
            let price = takers.unwrap_or(maker.price);
            let (maker, maker_left) = (maker.sequence, maker.quantity);
            trades.push(PlainTrade { maker, maker_left, buyer, seller, price, quantity });
        }
        self.orders.retain(|order| order.quantity > 0);
        let rests = order.terms.rests() && left > 0;
        if let Some(price) = limit_of(order).filter(|_| rests) {
            self.sequence += 1;
            let (sequence, agent, side) = (self.sequence, order.agent.0, order.side);
            self.orders.push(Plain { sequence, agent, side, price, quantity: left });
        }
        (trades, rests.then_some(self.sequence), left)
    }

    fn replace(
        &mut self,
        sequence: u64,
        limit: i64,
        quantity: u64,
    ) -> (Vec<PlainTrade>, Option<u64>, u64) {
        let place = self.orders.iter().position(|order| order.sequence == sequence).unwrap();
        let old = &mut self.orders[place];
        if old.price == limit && quantity <= old.quantity {
            old.quantity = quantity;
            return (Vec::new(), Some(sequence), quantity);
        }
        let Plain { agent, side, .. } = self.orders.remove(place);
        let (agent, terms) = (AgentId(agent), Terms::Limit(Money::new(limit).unwrap()));
        self.place(&Order { agent, side, terms, quantity: Amount::new(quantity) })
    }

    fn best(&self, side: Side) -> Option<i64> {
        let prices = self.orders.iter().filter(|order| order.side == side).map(|order| order.price);
        if side == Side::Buy { prices.max() } else { prices.min() }
    }
}

/// Which law the step from `before` to `after` breaks, if any.
fn broken_law(
    before: &[Plain],
    order: &Order,
    trades: &[PlainTrade],
    unfilled: u64,
    after: &Model,
) -> Option<&'static str> {
    let maker = |trade: &PlainTrade| before.iter().find(|order| order.sequence == trade.maker);
    let makers: Option<Vec<&Plain>> = trades.iter().map(maker).collect();
    let Some(makers) = makers else { return Some("trades with resting orders") };
    let pairs = || trades.iter().zip(&makers);
    if pairs().any(|(trade, maker)| trade.price != maker.price) {
        return Some("the resting order's price");
    }
    if pairs().any(|(trade, _)| !acceptable(order.side, limit_of(order), trade.price)) {
        return Some("within the limit");
    }
    let left = |sequence| {
        after.orders.iter().find(|o| o.sequence == sequence).map_or(0, |order| order.quantity)
    };
    let filled = |sequence| -> u64 {
        trades.iter().filter(|trade| trade.maker == sequence).map(|trade| trade.quantity).sum()
    };
    let all: u64 = trades.iter().map(|trade| trade.quantity).sum();
    let same = |one: &Plain| one.quantity == left(one.sequence) + filled(one.sequence);
    if !before.iter().all(same) || all + unfilled != order.quantity.units() {
        return Some("conservation of units");
    }
    let ranks: Vec<_> = makers.iter().map(|maker| priority(order.side, maker)).collect();
    let passed_over = |waiting: &Plain| {
        let rank = priority(order.side, waiting);
        waiting.side != order.side
            && left(waiting.sequence) > 0
            && ranks.iter().any(|&traded| rank < traded)
    };
    if !ranks.is_sorted() || before.iter().any(passed_over) {
        return Some("price-time priority");
    }
    if matches!(order.terms, Terms::FillOrKill(_)) && all > 0 && unfilled > 0 {
        return Some("all or nothing");
    }
    let crossed = after.best(Side::Buy).zip(after.best(Side::Sell)).is_some_and(|(b, a)| b >= a);
    crossed.then_some("never crossed")
}

fn money(units: i64) -> Money {
    Money::new(units).unwrap()
}

fn orders() -> impl Strategy<Value = Order> {
    let terms = (0..12_u8, -4_i64..12).prop_map(|(kind, limit)| match kind {
        0 => Terms::Market,
        1 => Terms::ImmediateOrCancel(money(limit)),
        2 | 3 => Terms::FillOrKill(money(limit)),
        _ => Terms::Limit(money(limit)),
    });
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    (0..5_u64, side, terms, 1..20_u64).prop_map(|(agent, side, terms, quantity)| Order {
        agent: AgentId(agent),
        side,
        terms,
        quantity: Amount::new(quantity),
    })
}

#[derive(Clone, Debug)]
enum Step {
    Place(Order),
    /// One of the ids ever given, the how-many-eth from the end.
    Cancel(usize),
    Replace(usize, i64, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => orders().prop_map(Step::Place),
        2 => (0..30_usize).prop_map(Step::Cancel),
        2 => (0..30_usize, -4_i64..12, 1..20_u64)
            .prop_map(|(which, limit, quantity)| Step::Replace(which, limit, quantity)),
    ];
    prop::collection::vec(step, 0..120)
}

fn plain(resting: &Resting) -> Plain {
    let Resting { id, agent, side, price, quantity } = *resting;
    let (price, quantity) = (price.units(), quantity.units());
    Plain { sequence: id.sequence, agent: agent.0, side, price, quantity }
}

fn plain_trades(trades: &[Trade]) -> Vec<PlainTrade> {
    let plain = |trade: &Trade| PlainTrade {
        maker: trade.maker.sequence,
        maker_left: trade.maker_left.units(),
        buyer: trade.buyer.0,
        seller: trade.seller.0,
        price: trade.price.units(),
        quantity: trade.quantity.units(),
    };
    trades.iter().map(plain).collect()
}

/// What the book shows of one side is what the model says waits there, in the order of trading.
fn check_side(book: &OrderBook, model: &Model, side: Side) -> Result<(), TestCaseError> {
    let mut expected: Vec<Plain> =
        model.orders.iter().filter(|order| order.side == side).copied().collect();
    expected.sort_by_key(|order| priority(side.opposite(), order));
    let found: Vec<Plain> = book.orders(side).map(|resting| plain(&resting)).collect();
    prop_assert_eq!(&found, &expected);
    let mut depth: Vec<(i64, u64)> = Vec::new();
    for order in &expected {
        match depth.last_mut() {
            Some((price, units)) if *price == order.price => *units += order.quantity,
            _ => depth.push((order.price, order.quantity)),
        }
    }
    let shown: Vec<_> =
        book.depth(side).map(|(price, units)| (price.units(), units.units())).collect();
    prop_assert_eq!(&shown, &depth);
    let best = book.best(side).map(|(price, units)| (price.units(), units.units()));
    prop_assert_eq!(best, depth.first().copied());
    Ok(())
}

const LIMIT: usize = 12;

/// A book, its model, and every id that the book gave.
struct Beside {
    book: OrderBook,
    model: Model,
    ids: Vec<OrderId>,
}

impl Beside {
    fn new() -> Self {
        let (book, model) = (OrderBook::new(LIMIT).unwrap(), Model::new(Fault::None));
        Self { book, model, ids: Vec::new() }
    }

    fn id(&self, from_the_end: usize) -> Option<OrderId> {
        let all = self.ids.len();
        (all > 0).then(|| self.ids[all - 1 - from_the_end % all])
    }

    fn place(&mut self, order: Order) -> Result<(), TestCaseError> {
        let full = self.model.orders.len() == LIMIT
            && order.terms.rests()
            && self.model.counterparts(&order).is_empty();
        match self.book.place(order) {
            Err(refused) => {
                prop_assert!(full);
                prop_assert_eq!(refused, Refused::Full { limit: LIMIT });
            }
            Ok(placed) => {
                prop_assert!(!full);
                let before = self.model.orders.clone();
                let (trades, resting, unfilled) = self.model.place(&order);
                prop_assert_eq!(&plain_trades(placed.trades), &trades);
                prop_assert_eq!(placed.resting.map(|id| id.sequence), resting);
                prop_assert_eq!(placed.unfilled.units(), unfilled);
                self.ids.extend(placed.resting);
                let broken = broken_law(&before, &order, &trades, unfilled, &self.model);
                prop_assert_eq!(broken, None);
            }
        }
        Ok(())
    }

    fn cancel(&mut self, id: OrderId) -> Result<(), TestCaseError> {
        let place = self.model.orders.iter().position(|order| order.sequence == id.sequence);
        let expected = place.map(|place| self.model.orders.remove(place));
        prop_assert_eq!(self.book.get(id).map(|resting| plain(&resting)), expected);
        prop_assert_eq!(self.book.cancel(id).map(|resting| plain(&resting)), expected);
        prop_assert_eq!(self.book.get(id), None);
        Ok(())
    }

    fn replace(&mut self, id: OrderId, limit: i64, quantity: u64) -> Result<(), TestCaseError> {
        let rests = self.model.orders.iter().any(|order| order.sequence == id.sequence);
        match self.book.replace(id, money(limit), Amount::new(quantity)) {
            Err(refused) => {
                prop_assert!(!rests);
                prop_assert_eq!(refused, Refused::Unknown(id));
            }
            Ok(placed) => {
                prop_assert!(rests);
                let (trades, resting, unfilled) = self.model.replace(id.sequence, limit, quantity);
                prop_assert_eq!(&plain_trades(placed.trades), &trades);
                prop_assert_eq!(placed.resting.map(|id| id.sequence), resting);
                prop_assert_eq!(placed.unfilled.units(), unfilled);
                self.ids.extend(placed.resting);
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn the_book_does_what_a_plain_list_of_orders_does(steps in steps()) {
        let mut beside = Beside::new();
        for step in steps {
            match step {
                Step::Place(order) => beside.place(order)?,
                Step::Cancel(which) => {
                    beside.id(which).map_or(Ok(()), |id| beside.cancel(id))?;
                }
                Step::Replace(which, limit, quantity) => {
                    beside.id(which).map_or(Ok(()), |id| beside.replace(id, limit, quantity))?;
                }
            }
            check_side(&beside.book, &beside.model, Side::Buy)?;
            check_side(&beside.book, &beside.model, Side::Sell)?;
            prop_assert!(beside.book.len() <= LIMIT);
            prop_assert_eq!(beside.book.len(), beside.model.orders.len());
        }
    }

    #[test]
    fn what_some_pay_and_deliver_others_receive(orders in prop::collection::vec(orders(), 0..100)) {
        let mut book = OrderBook::new(1000).unwrap();
        let mut accounts: BTreeMap<u64, (i128, i128)> = BTreeMap::new();
        let (mut asked, mut traded, mut dropped) = (0, 0, 0);
        for order in orders {
            asked += order.quantity.units();
            let placed = book.place(order).unwrap();
            for trade in placed.trades {
                let cost = trade.price.checked_mul(trade.quantity.units()).unwrap();
                let (cost, units) = (i128::from(cost.units()), i128::from(trade.quantity.units()));
                let buyer = accounts.entry(trade.buyer.0).or_default();
                *buyer = (buyer.0 - cost, buyer.1 + units);
                let seller = accounts.entry(trade.seller.0).or_default();
                *seller = (seller.0 + cost, seller.1 - units);
                traded += trade.quantity.units();
            }
            dropped += if placed.resting.is_some() { 0 } else { placed.unfilled.units() };
        }
        let sums = accounts.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        prop_assert_eq!(sums, (0, 0));
        let waiting: u64 = [Side::Buy, Side::Sell]
            .into_iter()
            .flat_map(|side| book.depth(side).map(|(_, units)| units.units()).collect::<Vec<_>>())
            .sum();
        prop_assert_eq!(asked, 2 * traded + dropped + waiting);
    }
}

/// Every law is broken by a matching that departs from it, and by none that does not.
#[test]
fn mutated_matchings_are_caught() {
    let order = |agent, side, terms, quantity| {
        let (agent, quantity) = (AgentId(agent), Amount::new(quantity));
        Order { agent, side, terms, quantity }
    };
    let sell =
        |agent, price, quantity| order(agent, Side::Sell, Terms::Limit(money(price)), quantity);
    let caught = |fault, taker: Order| {
        let mut model = Model::new(Fault::None);
        for ask in [sell(1, 10, 5), sell(2, 10, 5), sell(3, 11, 5)] {
            model.place(&ask);
        }
        let before = model.orders.clone();
        model.fault = fault;
        let (trades, _, unfilled) = model.place(&taker);
        broken_law(&before, &taker, &trades, unfilled, &model)
    };
    let buy = |terms, quantity| order(9, Side::Buy, terms, quantity);
    let limit = Terms::Limit(money(11));
    let cases = [
        (Fault::LastInFirst, buy(limit, 3), "price-time priority"),
        (Fault::WorstPriceFirst, buy(limit, 3), "price-time priority"),
        (Fault::TakersPrice, buy(limit, 3), "the resting order's price"),
        (Fault::LimitNotKept, buy(Terms::Limit(money(10)), 12), "within the limit"),
        (Fault::UnitsLost, buy(limit, 3), "conservation of units"),
        (Fault::RestsWhileItCouldTrade, buy(limit, 3), "never crossed"),
        (Fault::FillsPartOfAllOrNothing, buy(Terms::FillOrKill(money(10)), 12), "all or nothing"),
    ];
    for (fault, taker, law) in cases {
        assert_eq!(caught(fault, taker), Some(law), "{fault:?}");
        assert_eq!(caught(Fault::None, taker), None, "{fault:?}");
    }
}

fn order(side: Side, terms: Terms, quantity: u64) -> Order {
    Order { agent: AgentId(1), side, terms, quantity: Amount::new(quantity) }
}

fn limit(side: Side, price: i64, quantity: u64) -> Order {
    order(side, Terms::Limit(money(price)), quantity)
}

#[test]
fn an_order_that_breaks_a_rule_is_refused_by_name_and_changes_nothing() {
    let mut book = OrderBook::new(10).unwrap();
    let id = book.place(limit(Side::Sell, 5, 7)).unwrap().resting.unwrap();
    let empty = book.place(limit(Side::Buy, 9, 0)).unwrap_err();
    assert_eq!(empty.to_string(), "agent 1: quantity is 0: must be at least one unit");
    let dear = book.place(limit(Side::Buy, 1_000_000, 1_000_000_001)).unwrap_err();
    assert!(dear.to_string().starts_with("agent 1: quantity is 1000000001: must cost"), "{dear}");
    assert!(book.place(limit(Side::Sell, 0, u64::MAX)).is_err(), "with the seven beyond an amount");
    assert!(book.replace(id, money(6), Amount::ZERO).is_err());
    assert!(book.replace(id, Money::MAX, Amount::new(2)).is_err());
    let resting = book.get(id).unwrap();
    assert_eq!((resting.price, resting.quantity, book.len()), (money(5), Amount::new(7), 1));
    // In the place of the seven there is room.
    assert!(book.replace(id, Money::ZERO, Amount::MAX).is_ok());
}

#[test]
fn a_full_book_takes_what_trades_and_what_does_not_wait() {
    let mut book = OrderBook::new(2).unwrap();
    book.place(limit(Side::Sell, 10, 1)).unwrap();
    let worse = book.place(limit(Side::Sell, 12, 1)).unwrap().resting.unwrap();
    assert_eq!(book.place(limit(Side::Buy, 9, 1)), Err(Refused::Full { limit: 2 }));
    assert_eq!(
        book.place(limit(Side::Buy, 9, 1)).unwrap_err().to_string(),
        "2 orders rest in the book, which is its limit"
    );
    assert!(book.place(order(Side::Buy, Terms::ImmediateOrCancel(money(9)), 1)).is_ok());
    assert!(book.replace(worse, money(13), Amount::new(1)).is_ok());
    let placed = book.place(limit(Side::Buy, 11, 5)).unwrap();
    assert_eq!((placed.trades.len(), placed.unfilled), (1, Amount::new(4)));
    assert_eq!(book.len(), 2);
}

#[test]
fn less_keeps_the_place_in_the_queue_and_more_goes_behind() {
    let mut book = OrderBook::new(10).unwrap();
    let mut place = |agent| {
        let order = Order { agent: AgentId(agent), ..limit(Side::Sell, 10, 5) };
        book.place(order).unwrap().resting.unwrap()
    };
    let (first, second) = (place(1), place(2));
    let less = book.replace(first, money(10), Amount::new(3)).unwrap();
    assert_eq!(less.resting, Some(first));
    let agents = |book: &OrderBook| book.orders(Side::Sell).map(|o| o.agent.0).collect::<Vec<_>>();
    assert_eq!(agents(&book), [1, 2]);
    let more = book.replace(first, money(10), Amount::new(4)).unwrap().resting.unwrap();
    assert!(more > second);
    assert_eq!(agents(&book), [2, 1]);
    assert_eq!(book.replace(first, money(10), Amount::new(1)), Err(Refused::Unknown(first)));
}

#[test]
fn an_id_names_no_other_order_when_its_slot_is_used_again() {
    let mut book = OrderBook::new(1).unwrap();
    let first = book.place(limit(Side::Sell, 10, 5)).unwrap().resting.unwrap();
    book.cancel(first).unwrap();
    let second = book.place(limit(Side::Sell, 10, 5)).unwrap().resting.unwrap();
    assert_eq!(first.slot, second.slot);
    assert_eq!((book.get(first), book.cancel(first)), (None, None));
    assert_eq!(book.len(), 1);
}

#[test]
fn a_book_of_no_orders_or_too_many_is_refused() {
    assert!(OrderBook::new(0).is_err());
    assert!(OrderBook::new(OrderBook::MAX_RESTING + 1).is_err());
    let mut empty = OrderBook::new(1).unwrap();
    let placed = empty.place(order(Side::Buy, Terms::Market, u64::MAX)).unwrap();
    assert_eq!((placed.trades, placed.resting, placed.unfilled), (&[][..], None, Amount::MAX));
    assert!(empty.is_empty());
}
