//! The laws of the ledger over drawn histories, an independent model that agrees with it, and broken
//! models that the laws find.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;

/// Something that takes entries and can be asked what everybody has.
trait Books: Clone + PartialEq {
    fn empty() -> Self;

    /// Whether the entry was accepted.
    fn take_in(&mut self, entry: &Entry) -> bool;

    /// Available and held, of everybody with an account.
    fn balances(&self) -> BTreeMap<AgentId, (i128, i128)>;

    /// What the agents have together.
    fn issued(&self) -> i128;

    /// What all open holds hold.
    fn in_holds(&self) -> i128;
}

impl Books for Ledger {
    fn empty() -> Self {
        Self::default()
    }

    fn take_in(&mut self, entry: &Entry) -> bool {
        self.apply(entry).is_ok()
    }

    fn balances(&self) -> BTreeMap<AgentId, (i128, i128)> {
        let plain = |balance: &Balance| (balance.available.into(), balance.held.into());
        self.accounts.iter().map(|(&agent, balance)| (agent, plain(balance))).collect()
    }

    fn issued(&self) -> i128 {
        self.issued.into()
    }

    fn in_holds(&self) -> i128 {
        assert_eq!(self.holds.len(), self.expiring.len());
        self.holds.values().map(|hold| i128::from(hold.amount.units())).sum()
    }
}

/// The same rules written as plainly as possible: everything is copied, changed, and kept if it is in
/// order.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model<const BROKEN: usize> {
    now: u64,
    issued: i128,
    accounts: BTreeMap<AgentId, (i128, i128)>,
    holds: BTreeMap<u128, (AgentId, i128, u64)>,
    applied: BTreeMap<u128, Entry>,
}

/// No rule is left out.
const SOUND: usize = 0;
/// The legs need not add up.
const MINTS: usize = 1;
/// Nobody looks whether the payer has it.
const OVERDRAWS: usize = 2;
/// What was done before the entry is refused stays done.
const HALF_APPLIES: usize = 3;
/// A repeated entry is applied again.
const REPEATS: usize = 4;
/// What is not drawn from a hold is nobody's.
const LOSES_THE_REST: usize = 5;
/// An expired hold is dropped with its money.
const LOSES_EXPIRED: usize = 6;
/// A settled hold stays open.
const SETTLES_TWICE: usize = 7;

impl<const BROKEN: usize> Model<BROKEN> {
    /// `None` where the entry is refused; then what was changed so far is thrown away.
    fn change(&mut self, entry: &Entry) -> Option<()> {
        match self.applied.get(&entry.id.0) {
            Some(before) if BROKEN != REPEATS || before != entry => {
                return (before == entry).then_some(());
            }
            _ => {}
        }
        match &entry.action {
            Action::Open { agent } => {
                if self.accounts.insert(*agent, (0, 0)).is_some() {
                    return None;
                }
            }
            Action::Close { agent } => {
                if self.accounts.remove(agent)? != (0, 0) {
                    return None;
                }
            }
            Action::Transfer { legs } => self.pay(legs, 0)?,
            Action::Hold { payer, amount, until } => {
                let amount = i128::from(amount.units());
                self.accounts.get_mut(payer)?.0 -= amount;
                self.accounts.get_mut(payer)?.1 += amount;
                self.holds.insert(entry.id.0, (*payer, amount, until.0));
                if amount <= 0 || until.0 < self.now {
                    return None;
                }
            }
            Action::Settle { draws, payments } => {
                let mut drawn = 0;
                for draw in draws {
                    drawn += i128::from(draw.amount.units());
                    self.close(draw.hold.0, draw.amount.units().into())?;
                }
                if payments.iter().any(|payment| payment.amount <= Money::ZERO) {
                    return None;
                }
                self.pay(payments, drawn)?;
            }
            Action::Release { hold } => self.close(hold.0, 0)?,
            Action::Advance { to } => {
                if to.0 < self.now {
                    return None;
                }
                self.now = to.0;
                let late = self.holds.iter().filter(|(_, (_, _, until))| *until < to.0);
                for hold in late.map(|(&hold, _)| hold).collect::<Vec<_>>() {
                    let (_, amount, _) = self.holds[&hold];
                    let lost = if BROKEN == LOSES_EXPIRED { amount } else { 0 };
                    self.close(hold, lost)?;
                }
            }
        }
        let overdrawn = self.accounts.values().any(|(available, _)| *available < 0);
        if overdrawn && BROKEN != OVERDRAWS || self.issued > i128::from(Money::MAX.units()) {
            return None;
        }
        self.applied.insert(entry.id.0, entry.clone());
        Some(())
    }

    /// Pays the legs out of `purse`, of which nothing may be left.
    fn pay(&mut self, legs: &[Leg], mut purse: i128) -> Option<()> {
        for leg in legs {
            let amount = i128::from(leg.amount.units());
            purse -= amount;
            match leg.account {
                Account::Issuer => self.issued -= amount,
                Account::Agent(agent) => self.accounts.get_mut(&agent)?.0 += amount,
            }
        }
        (purse == 0 || BROKEN == MINTS).then_some(())
    }

    fn close(&mut self, hold: u128, drawn: i128) -> Option<()> {
        let (payer, amount, until) = self.holds.remove(&hold)?;
        if BROKEN == SETTLES_TWICE {
            self.holds.insert(hold, (payer, amount, until));
        }
        let balance = self.accounts.get_mut(&payer)?;
        balance.1 -= amount;
        balance.0 += if BROKEN == LOSES_THE_REST { 0 } else { amount - drawn };
        (0..=amount).contains(&drawn).then_some(())
    }
}

impl<const BROKEN: usize> Books for Model<BROKEN> {
    fn empty() -> Self {
        Self::default()
    }

    fn take_in(&mut self, entry: &Entry) -> bool {
        let before = self.clone();
        let accepted = self.change(entry).is_some();
        if !accepted && BROKEN != HALF_APPLIES {
            *self = before;
        }
        accepted
    }

    fn balances(&self) -> BTreeMap<AgentId, (i128, i128)> {
        self.accounts.clone()
    }

    fn issued(&self) -> i128 {
        self.issued
    }

    fn in_holds(&self) -> i128 {
        self.holds.values().map(|(_, amount, _)| amount).sum()
    }
}

/// The first law that `history` breaks.
fn broken_law<B: Books>(history: &[Entry]) -> Option<&'static str> {
    let (mut books, mut accepted) = (B::empty(), Vec::new());
    for entry in history {
        let before = books.clone();
        if !books.take_in(entry) {
            if books != before {
                return Some("a refused entry changes nothing");
            }
            continue;
        }
        accepted.push(entry);
        let mut again = books.clone();
        if !again.take_in(entry) || again != books {
            return Some("an entry takes effect once");
        }
        let balances = books.balances();
        let sums = balances.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        if sums.0 + sums.1 != books.issued() {
            return Some("no money appears or disappears");
        }
        if balances.values().any(|one| one.0 < 0 || one.1 < 0) {
            return Some("no agent owes");
        }
        if sums.1 != books.in_holds() {
            return Some("what is held is in an open hold");
        }
    }
    let mut replayed = B::empty();
    let whole = accepted.into_iter().all(|entry| replayed.take_in(entry));
    (!whole || replayed != books).then_some("the accepted entries lead to the same books")
}

fn agents() -> impl Strategy<Value = AgentId> {
    (0..4_u64).prop_map(AgentId)
}

fn accounts() -> impl Strategy<Value = Account> {
    prop_oneof![1 => Just(Account::Issuer), 3 => agents().prop_map(Account::Agent)]
}

fn amounts() -> impl Strategy<Value = Money> {
    prop_oneof![8 => -2..30_i64, 1 => Just(Money::MAX.units()), 1 => Just(Money::MIN.units())]
        .prop_map(|units| Money::new(units).unwrap())
}

fn legs() -> impl Strategy<Value = Vec<Leg>> {
    let leg = (accounts(), amounts()).prop_map(|(account, amount)| Leg { account, amount });
    prop::collection::vec(leg, 0..4)
}

/// Transactions that make holds are looked for among the first ids.
fn ids() -> impl Strategy<Value = TransactionId> {
    (0..40_u128).prop_map(TransactionId)
}

fn actions() -> impl Strategy<Value = Action> {
    let transfer = (accounts(), accounts(), amounts())
        .prop_filter_map("not negative", |(from, to, amount)| Action::transfer(from, to, amount));
    let hold = (agents(), amounts(), 0..12_u64).prop_map(|(payer, amount, until)| Action::Hold {
        payer,
        amount,
        until: Epoch(until),
    });
    let draw = (ids(), amounts()).prop_map(|(hold, amount)| Draw { hold, amount });
    let settle = (prop::collection::vec(draw, 0..3), legs(), accounts(), any::<bool>());
    // As a rule the last payment makes the two sides equal.
    let settle = settle.prop_map(|(draws, mut payments, account, balanced)| {
        let drawn: i128 = draws.iter().map(|draw| i128::from(draw.amount.units())).sum();
        let paid: i128 = payments.iter().map(|leg| i128::from(leg.amount.units())).sum();
        let rest = i64::try_from(drawn - paid).ok().and_then(Money::new);
        payments.extend(rest.filter(|_| balanced).map(|amount| Leg { account, amount }));
        Action::Settle { draws, payments }
    });
    prop_oneof![
        3 => agents().prop_map(|agent| Action::Open { agent }),
        1 => agents().prop_map(|agent| Action::Close { agent }),
        6 => transfer,
        2 => legs().prop_map(|legs| Action::Transfer { legs }),
        5 => hold,
        6 => settle,
        1 => ids().prop_map(|hold| Action::Release { hold }),
        1 => (0..12_u64).prop_map(|to| Action::Advance { to: Epoch(to) }),
    ]
}

/// A few ids come twice, with the same entry or another.
fn histories() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (prop_oneof![1 => ids(), 9 => Just(TransactionId(u128::MAX))], actions());
    prop::collection::vec(entry, 0..60).prop_map(|drawn| {
        let number = |(place, (id, action)): (u128, (TransactionId, Action))| {
            let id = if id.0 == u128::MAX { TransactionId(place) } else { id };
            Entry { id, action }
        };
        (0..).zip(drawn).map(number).collect()
    })
}

proptest! {
    #[test]
    fn no_history_breaks_a_law_of_the_ledger(history in histories()) {
        prop_assert_eq!(broken_law::<Ledger>(&history), None);
    }

    #[test]
    fn the_ledger_agrees_with_the_model(history in histories()) {
        let (mut ledger, mut model) = (Ledger::empty(), Model::<SOUND>::empty());
        for entry in &history {
            prop_assert_eq!(ledger.take_in(entry), model.take_in(entry), "{:?}", entry);
            prop_assert_eq!(ledger.balances(), model.balances());
            prop_assert_eq!(Books::issued(&ledger), model.issued());
            prop_assert_eq!(ledger.in_holds(), model.in_holds());
            prop_assert_eq!(ledger.imbalance(), 0);
        }
    }

    #[test]
    fn a_repeated_history_changes_nothing(history in histories()) {
        let mut ledger = Ledger::empty();
        let accepted: Vec<&Entry> = history.iter().filter(|one| ledger.take_in(one)).collect();
        let before = ledger.clone();
        for entry in accepted.into_iter().rev() {
            prop_assert_eq!(ledger.apply(entry), Ok(Applied::Before));
        }
        prop_assert_eq!(ledger, before);
    }
}

/// The laws that `BROKEN` breaks in `histories`.
fn broken_by<const BROKEN: usize>(histories: &[Vec<Entry>]) -> BTreeSet<&'static str> {
    histories.iter().filter_map(|one| broken_law::<Model<BROKEN>>(one)).collect()
}

/// Mutants: every rule that is left out breaks the law that it is for, in some of a hundred histories
/// that are the same at every run.
#[test]
fn the_laws_catch_every_broken_rule() {
    let mut runner = TestRunner::deterministic();
    let mut drawn = || histories().new_tree(&mut runner).unwrap().current();
    let histories: Vec<_> = (0..100).map(|_| drawn()).collect();

    assert_eq!(broken_by::<SOUND>(&histories), BTreeSet::new());
    let money = "no money appears or disappears";
    assert!(broken_by::<MINTS>(&histories).contains(money));
    assert!(broken_by::<OVERDRAWS>(&histories).contains("no agent owes"));
    assert!(broken_by::<HALF_APPLIES>(&histories).contains("a refused entry changes nothing"));
    assert!(broken_by::<REPEATS>(&histories).contains("an entry takes effect once"));
    assert!(broken_by::<LOSES_THE_REST>(&histories).contains(money));
    assert!(broken_by::<LOSES_EXPIRED>(&histories).contains(money));
    let held = "what is held is in an open hold";
    assert!(broken_by::<SETTLES_TWICE>(&histories).contains(held));
}
