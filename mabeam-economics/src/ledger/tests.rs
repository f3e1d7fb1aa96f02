//! What a ledger refuses, what it leaves as it was, and how money in escrow comes and goes.

use super::*;

const BUYER: AgentId = AgentId(1);
const SELLER: AgentId = AgentId(2);
const NOBODY: AgentId = AgentId(9);

fn units(units: i64) -> Money {
    Money::new(units).unwrap()
}

fn entry(id: u128, action: Action) -> Entry {
    Entry { id: TransactionId(id), action }
}

fn pay(from: Account, to: Account, amount: i64) -> Action {
    Action::transfer(from, to, units(amount)).unwrap()
}

fn leg(agent: AgentId, amount: i64) -> Leg {
    Leg { account: Account::Agent(agent), amount: units(amount) }
}

fn hold(payer: AgentId, amount: i64, until: u64) -> Action {
    Action::Hold { payer, amount: units(amount), until: Epoch(until) }
}

fn settle(draws: &[(u128, i64)], payments: &[Leg]) -> Action {
    let draw = |&(hold, amount)| Draw { hold: TransactionId(hold), amount: units(amount) };
    Action::Settle { draws: draws.iter().map(draw).collect(), payments: payments.to_vec() }
}

/// Both have an account; the buyer has 100, of which transaction 10 holds 60 until epoch 5.
fn ledger() -> Ledger {
    let entries = [
        entry(1, Action::Open { agent: BUYER }),
        entry(2, Action::Open { agent: SELLER }),
        entry(3, pay(Account::Issuer, Account::Agent(BUYER), 100)),
        entry(10, hold(BUYER, 60, 5)),
    ];
    Ledger::replay(Limits::default(), &entries).unwrap()
}

fn balances(ledger: &Ledger) -> [i64; 4] {
    let available = |agent| ledger.available(agent).unwrap().units();
    let held = |agent| ledger.held(agent).unwrap().units();
    [available(BUYER), held(BUYER), available(SELLER), held(SELLER)]
}

fn apply(ledger: &mut Ledger, id: u128, action: Action) {
    assert_eq!(ledger.apply(&entry(id, action)), Ok(Applied::Now));
    assert_eq!(ledger.imbalance(), 0);
}

/// That `action` is refused and leaves the ledger as it was.
fn refused(ledger: &mut Ledger, action: Action) -> Refused {
    let before = ledger.clone();
    let refused = ledger.apply(&entry(1_000, action)).unwrap_err();
    assert_eq!(*ledger, before);
    refused
}

#[test]
fn a_settlement_pays_the_seller_and_returns_the_rest() {
    let mut ledger = ledger();
    assert_eq!(balances(&ledger), [40, 60, 0, 0]);
    apply(&mut ledger, 11, settle(&[(10, 45)], &[leg(SELLER, 45)]));
    assert_eq!(balances(&ledger), [55, 0, 45, 0]);
    assert_eq!(ledger.hold_of(TransactionId(10)), None);
}

#[test]
fn several_buyers_and_sellers_and_a_fee_settle_in_one_step() {
    let mut ledger = ledger();
    apply(&mut ledger, 20, hold(BUYER, 40, 5));
    let fee = Leg { account: Account::Issuer, amount: units(3) };
    let payments = [leg(SELLER, 50), fee, leg(SELLER, 27), leg(BUYER, 10)];
    apply(&mut ledger, 21, settle(&[(20, 40), (10, 50)], &payments));
    assert_eq!(balances(&ledger), [20, 0, 77, 0]);
    assert_eq!(ledger.issued(), units(97));
}

#[test]
fn a_hold_is_settled_once() {
    let mut ledger = ledger();
    let first = settle(&[(10, 45)], &[leg(SELLER, 45)]);
    apply(&mut ledger, 11, first.clone());
    let gone = Refused::UnknownHold { hold: TransactionId(10) };
    assert_eq!(refused(&mut ledger, first.clone()), gone);
    assert_eq!(refused(&mut ledger, Action::Release { hold: TransactionId(10) }), gone);
    // The same transaction again is no second settlement.
    let before = ledger.clone();
    assert_eq!(ledger.apply(&entry(11, first)), Ok(Applied::Before));
    assert_eq!(ledger, before);
}

#[test]
fn a_hold_named_twice_is_refused_and_all_stay_open() {
    let mut ledger = ledger();
    let twice = settle(&[(10, 30), (10, 30)], &[leg(SELLER, 60)]);
    assert_eq!(refused(&mut ledger, twice), Refused::UnknownHold { hold: TransactionId(10) });
    apply(&mut ledger, 11, settle(&[(10, 60)], &[leg(SELLER, 60)]));
}

#[test]
fn a_released_hold_goes_back() {
    let mut ledger = ledger();
    apply(&mut ledger, 11, Action::Release { hold: TransactionId(10) });
    assert_eq!(balances(&ledger), [100, 0, 0, 0]);
}

#[test]
fn a_hold_lasts_through_its_last_epoch_and_then_goes_back() {
    let mut ledger = ledger();
    apply(&mut ledger, 11, Action::Advance { to: Epoch(5) });
    let mut in_time = ledger.clone();
    apply(&mut in_time, 12, settle(&[(10, 60)], &[leg(SELLER, 60)]));

    apply(&mut ledger, 13, Action::Advance { to: Epoch(6) });
    assert_eq!(balances(&ledger), [100, 0, 0, 0]);
    let late = refused(&mut ledger, settle(&[(10, 60)], &[leg(SELLER, 60)]));
    assert_eq!(late, Refused::UnknownHold { hold: TransactionId(10) });

    let (until, now) = (Epoch(5), Epoch(6));
    assert_eq!(refused(&mut ledger, hold(BUYER, 1, 5)), Refused::Expired { until, now });
    assert_eq!(
        refused(&mut ledger, Action::Advance { to: until }),
        Refused::Expired { until, now }
    );
}

#[test]
fn nobody_spends_what_it_lacks_or_what_is_held() {
    let mut ledger = ledger();
    let (buyer, seller) = (Account::Agent(BUYER), Account::Agent(SELLER));
    let overdraft = Refused::Overdraft { agent: BUYER, lacks: 1 };
    assert_eq!(refused(&mut ledger, pay(buyer, seller, 41)), overdraft);
    assert_eq!(refused(&mut ledger, hold(BUYER, 41, 5)), overdraft);
    assert_eq!(overdraft.to_string(), "agent 1 lacks 1 minor units");
    let held = units(60);
    assert_eq!(
        refused(&mut ledger, settle(&[(10, 61)], &[leg(SELLER, 61)])),
        Refused::HoldExceeded { hold: TransactionId(10), held, drawn: units(61) }
    );
    assert_eq!(
        refused(&mut ledger, settle(&[(10, -1)], &[])),
        Refused::HoldExceeded { hold: TransactionId(10), held, drawn: units(-1) }
    );
}

#[test]
fn what_is_paid_is_what_is_taken() {
    let mut ledger = ledger();
    let legs = vec![leg(BUYER, -10), leg(SELLER, 11)];
    assert_eq!(refused(&mut ledger, Action::Transfer { legs }), Refused::Unbalanced { excess: 1 });
    let short = settle(&[(10, 45)], &[leg(SELLER, 44)]);
    assert_eq!(refused(&mut ledger, short), Refused::Unbalanced { excess: -1 });
    assert_eq!(Action::transfer(Account::Issuer, Account::Agent(BUYER), units(-1)), None);
}

#[test]
fn an_account_s_legs_count_together() {
    let mut ledger = ledger();
    // On the way the buyer stands below 0.
    let legs = vec![leg(BUYER, -90), leg(SELLER, 30), leg(BUYER, 60)];
    apply(&mut ledger, 11, Action::Transfer { legs });
    assert_eq!(balances(&ledger), [10, 60, 30, 0]);
}

#[test]
fn an_unknown_account_stops_the_whole_transaction() {
    let mut ledger = ledger();
    let unknown = Refused::UnknownAccount { agent: NOBODY };
    let legs = vec![leg(BUYER, -10), leg(SELLER, 5), leg(NOBODY, 5)];
    assert_eq!(refused(&mut ledger, Action::Transfer { legs }), unknown);
    let payments = [leg(SELLER, 40), leg(NOBODY, 5)];
    assert_eq!(refused(&mut ledger, settle(&[(10, 45)], &payments)), unknown);
    assert_eq!(refused(&mut ledger, hold(NOBODY, 1, 5)), unknown);
    assert_eq!(refused(&mut ledger, Action::Close { agent: NOBODY }), unknown);
    assert_eq!(ledger.available(NOBODY), None);
}

#[test]
fn amounts_below_one_are_refused_where_they_mean_nothing() {
    let mut ledger = ledger();
    for amount in [0, -5] {
        let invalid = Invalid::new(Subject::Agent(1), "amount", amount, "must be above 0");
        assert_eq!(refused(&mut ledger, hold(BUYER, amount, 5)), Refused::Invalid(invalid.clone()));
        let payments = [leg(BUYER, amount), leg(SELLER, -amount)];
        assert_eq!(refused(&mut ledger, settle(&[(10, 0)], &payments)), Refused::Invalid(invalid));
        let fee = Leg { account: Account::Issuer, amount: units(amount) };
        assert!(matches!(refused(&mut ledger, settle(&[(10, 0)], &[fee])), Refused::Invalid(_)));
    }
}

#[test]
fn money_can_be_issued_to_its_bound_and_no_further() {
    let mut ledger = ledger();
    let all = Money::MAX.units() - 100;
    apply(&mut ledger, 11, pay(Account::Issuer, Account::Agent(SELLER), all));
    assert_eq!(ledger.issued(), Money::MAX);
    let more = pay(Account::Issuer, Account::Agent(SELLER), 1);
    assert_eq!(refused(&mut ledger, more), Refused::IssuedTooMuch);
    // All of it can be in one account.
    apply(&mut ledger, 12, Action::Release { hold: TransactionId(10) });
    apply(&mut ledger, 13, pay(Account::Agent(BUYER), Account::Agent(SELLER), 100));
    assert_eq!(ledger.available(SELLER), Some(Money::MAX));
}

#[test]
fn legs_that_pass_what_an_integer_holds_are_refused() {
    let mut ledger = ledger();
    let many = |agent, amount| std::iter::repeat_n(leg(agent, amount), 9_300);
    let most = Money::MAX.units();
    let legs = many(BUYER, most).chain(many(BUYER, -most)).collect();
    assert!(matches!(refused(&mut ledger, Action::Transfer { legs }), Refused::Invalid(_)));
}

#[test]
fn an_id_names_one_transaction() {
    let mut ledger = ledger();
    let other = entry(3, pay(Account::Issuer, Account::Agent(BUYER), 101));
    let before = ledger.clone();
    let reused = Refused::TransactionReused { id: TransactionId(3) };
    assert_eq!(ledger.apply(&other), Err(reused));
    assert_eq!(ledger, before);
    // A refused transaction does not use its id up.
    refused(&mut ledger, hold(BUYER, 41, 5));
    apply(&mut ledger, 1_000, hold(BUYER, 40, 5));
}

#[test]
fn accounts_open_once_and_close_when_nothing_is_left() {
    let mut ledger = ledger();
    let open = Action::Open { agent: BUYER };
    assert_eq!(refused(&mut ledger, open), Refused::AccountExists { agent: BUYER });
    let close = Action::Close { agent: BUYER };
    let in_use = Refused::AccountInUse { agent: BUYER };
    assert_eq!(refused(&mut ledger, close.clone()), in_use);
    apply(&mut ledger, 11, pay(Account::Agent(BUYER), Account::Agent(SELLER), 40));
    // What is held may come back.
    assert_eq!(refused(&mut ledger, close.clone()), in_use);
    apply(&mut ledger, 12, settle(&[(10, 60)], &[leg(SELLER, 60)]));
    apply(&mut ledger, 13, close);
    assert_eq!(ledger.available(BUYER), None);
    assert_eq!(ledger.issued(), units(100));
}

#[test]
fn every_limit_is_named_and_holds() {
    let full = |limit, most| Refused::Full { limit, most };
    let mut ledger = Ledger::new(Limits { accounts: 1, holds: 1, transactions: 4 });
    apply(&mut ledger, 1, Action::Open { agent: BUYER });
    assert_eq!(refused(&mut ledger, Action::Open { agent: SELLER }), full("accounts", 1));
    apply(&mut ledger, 2, pay(Account::Issuer, Account::Agent(BUYER), 10));
    apply(&mut ledger, 3, hold(BUYER, 1, 5));
    assert_eq!(refused(&mut ledger, hold(BUYER, 1, 5)), full("holds", 1));
    apply(&mut ledger, 4, Action::Release { hold: TransactionId(3) });
    assert_eq!(refused(&mut ledger, Action::Advance { to: Epoch(1) }), full("transactions", 4));
    // What was applied is still known.
    let again = entry(4, Action::Release { hold: TransactionId(3) });
    assert_eq!(ledger.apply(&again), Ok(Applied::Before));
}

#[test]
fn a_replay_stops_at_the_entry_that_is_refused() {
    let entries = [entry(1, Action::Open { agent: BUYER }), entry(2, hold(BUYER, 5, 1))];
    let stopped = Ledger::replay(Limits::default(), &entries).unwrap_err();
    assert_eq!(stopped.place, 1);
    assert_eq!(stopped.to_string(), "entry 1: agent 1 lacks 5 minor units");
}
