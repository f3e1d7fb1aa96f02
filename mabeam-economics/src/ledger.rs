//! Who has how much money: double entry.
//!
//! Owns the balances, the money held in escrow, and the rules by which both change. Promises, of
//! every [`Entry`]: it is applied as a whole or refused with nothing changed; applying it again
//! changes nothing; no money appears or disappears, no agent owes. The same entries in the same order
//! give the same ledger, so the entries are what has to be kept. Leaves to its caller to keep them,
//! to say who may write which, and to move the clock.

mod entry;
#[cfg(feature = "serde")]
mod plain;
mod refused;

use std::collections::{BTreeSet, HashMap};

pub use entry::{Account, Action, Draw, Entry, Epoch, Leg, TransactionId};
pub use refused::{Refused, ReplayError};

use crate::{AgentId, Invalid, Money, Subject};

/// How much a ledger keeps at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open accounts.
    pub accounts: usize,
    /// Open holds.
    pub holds: usize,
    /// Transactions applied, all remembered so that a repeated one is known.
    pub transactions: usize,
}

impl Default for Limits {
    /// A million accounts, a million holds, a hundred million transactions.
    fn default() -> Self {
        Self { accounts: 1_000_000, holds: 1_000_000, transactions: 100_000_000 }
    }
}

/// Money set aside: what the payer can no longer spend and nobody else has yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Whose money it is until it is settled.
    pub payer: AgentId,
    /// How much.
    pub amount: Money,
    /// The last epoch in which it can be settled.
    pub until: Epoch,
}

/// What applying an entry did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It took effect.
    Now,
    /// It had taken effect before; nothing was changed.
    Before,
}

/// The money of all agents, in minor units. See the [module](self).
///
/// Every agent's balance is at least 0. The issuer's is what the agents have together, negated, so
/// that all balances add up to 0; it is never below [`Money::MIN`], and so no agent's is ever beyond
/// [`Money::MAX`].
///
/// Cost: O(1) expected for each account and hold that an entry names, O(log holds) to open or close a
/// hold; about 50 bytes for an account, 150 for a hold, 60 for a transaction.
///
/// ```
/// use mabeam_economics::ledger::{Account, Action, Draw, Entry, Epoch, Ledger, Leg, Limits, TransactionId};
/// use mabeam_economics::{AgentId, Money};
///
/// let (buyer, seller) = (AgentId(1), AgentId(2));
/// let units = |units| Money::new(units).unwrap();
/// let entry = |id, action| Entry { id: TransactionId(id), action };
/// let entries = [
///     entry(1, Action::Open { agent: buyer }),
///     entry(2, Action::Open { agent: seller }),
///     entry(3, Action::transfer(Account::Issuer, Account::Agent(buyer), units(500)).unwrap()),
///     // The buyer's money is in escrow before the award, and pays the price of it after.
///     entry(4, Action::Hold { payer: buyer, amount: units(400), until: Epoch(9) }),
///     entry(5, Action::Settle {
///         draws: vec![Draw { hold: TransactionId(4), amount: units(320) }],
///         payments: vec![Leg { account: Account::Agent(seller), amount: units(320) }],
///     }),
/// ];
/// let ledger = Ledger::replay(Limits::default(), &entries)?;
/// assert_eq!(ledger.available(buyer), Some(units(180)));
/// assert_eq!(ledger.available(seller), Some(units(320)));
/// assert_eq!(ledger.imbalance(), 0);
/// # Ok::<(), mabeam_economics::ledger::ReplayError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    limits: Limits,
    now: Epoch,
    /// What the issuer owes: 0 to [`Money::MAX`].
    issued: i64,
    accounts: HashMap<AgentId, Balance>,
    holds: HashMap<TransactionId, Hold>,
    /// The holds by their last epoch.
    expiring: BTreeSet<(Epoch, TransactionId)>,
    /// The transactions applied, with their fingerprints.
    applied: HashMap<TransactionId, u64>,
}

/// Both are at least 0 between entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Balance {
    available: i64,
    held: i64,
}

impl Ledger {
    /// An empty ledger, in epoch 0.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The ledger that `entries` lead to, from an empty one.
    ///
    /// Errors: the first entry that is refused, with its place.
    pub fn replay<'a>(
        limits: Limits,
        entries: impl IntoIterator<Item = &'a Entry>,
    ) -> Result<Self, ReplayError> {
        let mut ledger = Self::new(limits);
        for (place, entry) in entries.into_iter().enumerate() {
            ledger.apply(entry).map_err(|refused| ReplayError { place, refused })?;
        }
        Ok(ledger)
    }

    /// Applies `entry` as a whole, once.
    ///
    /// Errors: see [`Refused`]. Nothing is changed then, and the id stays free: a refused transaction
    /// may be tried again.
    pub fn apply(&mut self, entry: &Entry) -> Result<Applied, Refused> {
        let (id, fingerprint) = (entry.id, entry.fingerprint());
        match self.applied.get(&id) {
            Some(before) if *before == fingerprint => return Ok(Applied::Before),
            Some(_) => return Err(Refused::TransactionReused { id }),
            None => room("transactions", self.applied.len(), self.limits.transactions)?,
        }
        match &entry.action {
            Action::Open { agent } => self.open(*agent)?,
            Action::Close { agent } => self.close(*agent)?,
            Action::Transfer { legs } => self.transfer(legs)?,
            &Action::Hold { payer, amount, until } => {
                self.hold(id, Hold { payer, amount, until })?;
            }
            Action::Settle { draws, payments } => self.settle(draws, payments)?,
            Action::Release { hold } => {
                self.settle(&[Draw { hold: *hold, amount: Money::ZERO }], &[])?;
            }
            Action::Advance { to } => self.advance(*to)?,
        }
        self.applied.insert(id, fingerprint);
        Ok(Applied::Now)
    }

    /// What `agent` can spend; `None` without an account.
    pub fn available(&self, agent: AgentId) -> Option<Money> {
        self.accounts.get(&agent).map(|balance| money(balance.available))
    }

    /// What of `agent`'s money is held in escrow; `None` without an account.
    pub fn held(&self, agent: AgentId) -> Option<Money> {
        self.accounts.get(&agent).map(|balance| money(balance.held))
    }

    /// What all agents have together: what the issuer has paid out and not taken back.
    pub fn issued(&self) -> Money {
        money(self.issued)
    }

    /// The open hold that transaction `hold` made.
    pub fn hold_of(&self, hold: TransactionId) -> Option<&Hold> {
        self.holds.get(&hold)
    }

    /// The current epoch.
    pub const fn now(&self) -> Epoch {
        self.now
    }

    /// The sum of all balances, the issuer's among them: 0. For audits; O(accounts).
    pub fn imbalance(&self) -> i128 {
        let has = |balance: &Balance| i128::from(balance.available) + i128::from(balance.held);
        self.accounts.values().map(has).sum::<i128>() - i128::from(self.issued)
    }

    fn open(&mut self, agent: AgentId) -> Result<(), Refused> {
        if self.accounts.contains_key(&agent) {
            return Err(Refused::AccountExists { agent });
        }
        room("accounts", self.accounts.len(), self.limits.accounts)?;
        self.accounts.insert(agent, Balance::default());
        Ok(())
    }

    fn close(&mut self, agent: AgentId) -> Result<(), Refused> {
        let balance = self.accounts.get(&agent).ok_or(Refused::UnknownAccount { agent })?;
        if *balance != Balance::default() {
            return Err(Refused::AccountInUse { agent });
        }
        self.accounts.remove(&agent);
        Ok(())
    }

    /// Adds leg by leg, looks at the result, and takes back what was added if it is not allowed.
    fn transfer(&mut self, legs: &[Leg]) -> Result<(), Refused> {
        let excess: i128 = legs.iter().map(|leg| i128::from(leg.amount.units())).sum();
        if excess != 0 {
            return Err(Refused::Unbalanced { excess });
        }
        let mut added = 0;
        let outcome = legs.iter().try_for_each(|leg| {
            self.add(leg.account, leg.amount.units())?;
            added += 1;
            Ok(())
        });
        let outcome = outcome.and_then(|()| legs.iter().try_for_each(|leg| self.is_allowed(leg)));
        if outcome.is_err() {
            for leg in legs.iter().take(added).rev() {
                // It stood there a moment ago.
                let _taken_back = self.add(leg.account, -leg.amount.units());
            }
        }
        outcome
    }

    /// Changes the balance of `account`, whatever comes of it within an `i64`.
    fn add(&mut self, account: Account, units: i64) -> Result<(), Refused> {
        let (balance, units) = match account {
            Account::Issuer => (&mut self.issued, -units),
            Account::Agent(agent) => {
                let account = self.accounts.get_mut(&agent);
                (&mut account.ok_or(Refused::UnknownAccount { agent })?.available, units)
            }
        };
        *balance = balance.checked_add(units).ok_or_else(|| {
            let rule = "must not move more than 2^63 minor units";
            Invalid::new(Subject::Problem, "amount of a leg", units, rule)
        })?;
        Ok(())
    }

    /// Whether the account of `leg` may stand where it does.
    fn is_allowed(&self, leg: &Leg) -> Result<(), Refused> {
        match leg.account {
            Account::Issuer if self.issued > Money::MAX.units() => Err(Refused::IssuedTooMuch),
            Account::Issuer => Ok(()),
            Account::Agent(agent) => {
                let available = self.accounts.get(&agent).map_or(0, |balance| balance.available);
                if available >= 0 {
                    Ok(())
                } else {
                    Err(Refused::Overdraft { agent, lacks: -available })
                }
            }
        }
    }

    fn hold(&mut self, id: TransactionId, hold: Hold) -> Result<(), Refused> {
        let Hold { payer: agent, amount, until } = hold;
        positive(Subject::Agent(agent.0), amount)?;
        if until < self.now {
            return Err(Refused::Expired { until, now: self.now });
        }
        room("holds", self.holds.len(), self.limits.holds)?;
        let balance = self.accounts.get_mut(&agent).ok_or(Refused::UnknownAccount { agent })?;
        let left = balance.available - amount.units();
        if left < 0 {
            return Err(Refused::Overdraft { agent, lacks: -left });
        }
        *balance = Balance { available: left, held: balance.held + amount.units() };
        self.holds.insert(id, hold);
        self.expiring.insert((until, id));
        Ok(())
    }

    /// Both sides in one step. What is checked is all that can fail.
    fn settle(&mut self, draws: &[Draw], payments: &[Leg]) -> Result<(), Refused> {
        let mut excess = 0_i128;
        for payment in payments {
            excess += i128::from(payment.amount.units());
            if let Account::Agent(agent) = payment.account {
                positive(Subject::Agent(agent.0), payment.amount)?;
                if !self.accounts.contains_key(&agent) {
                    return Err(Refused::UnknownAccount { agent });
                }
            } else {
                positive(Subject::Problem, payment.amount)?;
            }
        }
        for &Draw { hold, amount } in draws {
            excess -= i128::from(amount.units());
            let held = self.holds.get(&hold).ok_or(Refused::UnknownHold { hold })?.amount;
            if amount < Money::ZERO || amount > held {
                return Err(Refused::HoldExceeded { hold, held, drawn: amount });
            }
        }
        if excess != 0 {
            return Err(Refused::Unbalanced { excess });
        }
        self.take(draws)?;
        for payment in payments {
            self.add(payment.account, payment.amount.units())?;
        }
        Ok(())
    }

    /// Closes the holds of `draws`: what is not drawn goes back to the payers. A hold that is drawn
    /// from twice is not there the second time; all are left open then.
    fn take(&mut self, draws: &[Draw]) -> Result<(), Refused> {
        let mut taken = Vec::with_capacity(draws.len());
        for draw in draws {
            let Some(hold) = self.holds.remove(&draw.hold) else {
                self.holds.extend(taken);
                return Err(Refused::UnknownHold { hold: draw.hold });
            };
            taken.push((draw.hold, hold));
        }
        for ((id, hold), draw) in taken.into_iter().zip(draws) {
            self.expiring.remove(&(hold.until, id));
            self.give_back(hold, draw.amount);
        }
        Ok(())
    }

    /// Ends a hold of which `drawn` was spent.
    fn give_back(&mut self, hold: Hold, drawn: Money) {
        // Who has money held has an account: it can't be closed.
        if let Some(balance) = self.accounts.get_mut(&hold.payer) {
            balance.held -= hold.amount.units();
            balance.available += hold.amount.units() - drawn.units();
        }
    }

    /// Moves the clock and releases every hold whose last epoch has passed.
    fn advance(&mut self, to: Epoch) -> Result<(), Refused> {
        if to < self.now {
            return Err(Refused::Expired { until: to, now: self.now });
        }
        self.now = to;
        let open = self.expiring.split_off(&(to, TransactionId(0)));
        for (_, id) in std::mem::replace(&mut self.expiring, open) {
            if let Some(hold) = self.holds.remove(&id) {
                self.give_back(hold, Money::ZERO);
            }
        }
        Ok(())
    }
}

/// Within bounds: no balance is beyond what was issued.
fn money(units: i64) -> Money {
    Money::new(units).unwrap_or_default()
}

fn room(limit: &'static str, count: usize, most: usize) -> Result<(), Refused> {
    if count < most { Ok(()) } else { Err(Refused::Full { limit, most }) }
}

fn positive(subject: Subject, amount: Money) -> Result<(), Invalid> {
    if amount > Money::ZERO {
        return Ok(());
    }
    Err(Invalid::new(subject, "amount", amount, "must be above 0"))
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
