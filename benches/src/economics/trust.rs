//! Trust and money: the global trust of a million peers, transfers and settlements in a ledger.

use mabeam_economics::ledger::{
    Account, Action, Applied, Draw, Entry, Epoch, Ledger, Leg, Limits, TransactionId,
};
use mabeam_economics::trust::{EigenTrust, Opinion, PreTrusted, TrustGraph};
use mabeam_economics::{AgentId, Money};

use super::numbers::Numbers;

/// How many peers there are.
const PEERS: u32 = 1_000_000;
/// How many opinions each of them holds.
const OPINIONS_EACH: u32 = 10;
/// How many accounts the ledger has.
const ACCOUNTS: u64 = 10_000;

/// `eigentrust`: the trust in a million peers of whom each holds an opinion of ten, from a hundred
/// trusted beforehand, to a residual of 10^-9. The graph is built.
pub fn eigentrust() -> impl FnMut(u64) -> f64 + Clone + Send + 'static {
    let graph = TrustGraph::new(PEERS, &opinions()).expect("valid opinions");
    let trusted = (0..100).map(|rank| PreTrusted { peer: rank * (PEERS / 100), weight: 1 });
    let pre_trusted: Vec<PreTrusted> = trusted.collect();
    move |_| {
        let global = graph.eigentrust(&pre_trusted, &EigenTrust::default());
        global.expect("valid settings").residual
    }
}

/// `trust_graph`: ten million opinions, in the order of those who hold them, become a graph.
pub fn graph() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    let opinions = opinions();
    move |_| TrustGraph::new(PEERS, &opinions).expect("valid opinions").peers()
}

/// `ledger_transfer`: one unit from one of ten thousand accounts to another.
pub fn ledger_transfer() -> impl FnMut(u64) -> Applied + Clone + Send + 'static {
    let (mut ledger, mut id) = funded();
    let mut draw = Numbers(3);
    move |_| {
        let from = draw.below(ACCOUNTS);
        let to = (from + 1 + draw.below(ACCOUNTS - 1)) % ACCOUNTS;
        let (from, to) = (Account::Agent(AgentId(from)), Account::Agent(AgentId(to)));
        let action = Action::transfer(from, to, units(1)).expect("not negative");
        id += 1;
        ledger.apply(&Entry { id: TransactionId(id), action }).expect("everybody has enough")
    }
}

/// `ledger_settle`: one of ten thousand sets money aside, and another is paid a part of it.
pub fn ledger_settle() -> impl FnMut(u64) -> Applied + Clone + Send + 'static {
    let (mut ledger, mut id) = funded();
    let mut draw = Numbers(4);
    move |_| {
        let payer = AgentId(draw.below(ACCOUNTS));
        let paid = Account::Agent(AgentId(draw.below(ACCOUNTS)));
        let hold = TransactionId(id + 1);
        let action = Action::Hold { payer, amount: units(5), until: Epoch(1) };
        ledger.apply(&Entry { id: hold, action }).expect("everybody has enough");
        let amount = units(3);
        let draws = vec![Draw { hold, amount }];
        let action = Action::Settle { draws, payments: vec![Leg { account: paid, amount }] };
        id += 2;
        ledger.apply(&Entry { id: TransactionId(id), action }).expect("it is held")
    }
}

/// Everybody has a hundred million; and the last id that was used.
fn funded() -> (Ledger, u128) {
    let mut ledger = Ledger::new(Limits { transactions: usize::MAX, ..Limits::default() });
    let mut id = 0;
    for agent in (0..ACCOUNTS).map(AgentId) {
        let funds = Action::transfer(Account::Issuer, Account::Agent(agent), units(100_000_000));
        for action in [Action::Open { agent }, funds.expect("not negative")] {
            id += 1;
            ledger.apply(&Entry { id: TransactionId(id), action }).expect("a new account");
        }
    }
    (ledger, id)
}

/// Each peer's are about others drawn from as many equal ranges.
fn opinions() -> Vec<Opinion> {
    let mut draw = Numbers(5);
    let range = u64::from(PEERS / OPINIONS_EACH);
    let mut opinion = |of: u32, rank: u32| {
        let within = u32::try_from(draw.below(range)).expect("below the number of peers");
        let about = rank * (PEERS / OPINIONS_EACH) + within;
        let trust = u32::try_from(1 + draw.below(100)).expect("a hundred at most");
        // Who would hold an opinion of itself holds it of its neighbour in the range.
        let own = u32::from(about == of);
        let about = if within == 0 { about + own } else { about - own };
        Opinion { of, about, trust }
    };
    let pairs = (0..PEERS).flat_map(|of| (0..OPINIONS_EACH).map(move |rank| (of, rank)));
    pairs.map(|(of, rank)| opinion(of, rank)).collect()
}

fn units(units: i64) -> Money {
    Money::new(units).expect("within bounds")
}
