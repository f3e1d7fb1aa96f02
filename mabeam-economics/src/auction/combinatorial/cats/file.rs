//! The file format of the suite.
//!
//! Owns reading and writing. A file has comment lines that start with `%`, the lines `goods`,
//! `bids` and `dummy` with their numbers, and a line for each bid: its id, its price, its goods,
//! `#`. Goods from the number of goods on are dummies, which say who bids: the bids that share a
//! dummy good belong to one bidder, a bid without one is a bidder's only bid. Bidders are numbered
//! as they first appear.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};

use super::super::{Auction, Bid};
use crate::{AgentId, Invalid, Money, Subject};

/// The auction in `text`, with prices rounded to `decimals` decimals, which become minor units.
///
/// Refuses what is not such a file, more than nine decimals, bids with two dummy goods (they are in
/// no bidder's "one of these"), and whatever [`Auction::new`] refuses; a refusal names the line.
///
/// ```
/// use mabeam_economics::auction::combinatorial::cats;
///
/// let file = "\
/// % two bidders
/// goods 2
/// bids 3
/// dummy 1
/// 0 7.5 0 2 #
/// 1 8 1 2 #
/// 2 9 0 1 #";
/// let auction = cats::read(file, 1)?;
/// assert_eq!(auction.bids()[0].bidder, auction.bids()[1].bidder);
/// assert_eq!(auction.bids()[0].value.units(), 75);
/// assert_eq!(cats::read(&cats::write(&auction, 1)?, 1)?, auction);
///
/// let refused = cats::read("goods 2\nbids 1\ndummy 0\n0\t-3\t0\t#\n", 1).unwrap_err();
/// assert_eq!(refused.to_string(), "line 4: price is -3: must be a number of at least zero");
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn read(text: &str, decimals: u32) -> Result<Auction, Invalid> {
    let scale = scale(decimals)?;
    let mut header: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut lines: Vec<BidLine<'_>> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut words = line.split_whitespace();
        match words.next() {
            None => {}
            Some(comment) if comment.starts_with('%') => {}
            Some(word) => match ["goods", "bids", "dummy"].into_iter().find(|key| *key == word) {
                Some(key) => {
                    let value = only_number(number, key, words)?;
                    if header.insert(key, value).is_some() {
                        let rule = "must be given once";
                        return Err(Invalid::new(Subject::Line(number), key, value, rule));
                    }
                }
                None => lines.push(BidLine::parse(number, word, words, scale)?),
            },
        }
    }
    let of = |key| {
        let missing = || Invalid::new(Subject::Problem, key, "missing", "must be in the header");
        header.get(key).copied().ok_or_else(missing)
    };
    let (goods, bids, dummies) = (of("goods")?, of("bids")?, of("dummy")?);
    if lines.len() as u64 != bids {
        let rule = "must be as many lines as the header says";
        return Err(Invalid::new(Subject::Problem, "bids", lines.len(), rule));
    }
    assemble(goods, dummies, &lines)
}

/// The file of `auction`, with the last `decimals` digits of prices in minor units after the point.
///
/// Refuses more than nine decimals. [`read`] with as many gives an auction with the same bids in
/// the same order; bidders are numbered anew.
pub fn write(auction: &Auction, decimals: u32) -> Result<String, Invalid> {
    let scale = scale(decimals)?;
    let mut bids_of: BTreeMap<AgentId, usize> = BTreeMap::new();
    for bid in auction.bids() {
        *bids_of.entry(bid.bidder).or_default() += 1;
    }
    let several = bids_of.into_iter().filter(|&(_, count)| count > 1).map(|(bidder, _)| bidder);
    let dummy_of: BTreeMap<AgentId, usize> = several.zip(auction.goods()..).collect();
    let (goods, bids) = (auction.goods(), auction.bids().len());
    let mut text = format!("goods {goods}\nbids {bids}\ndummy {}\n\n", dummy_of.len());
    let digits = decimals as usize;
    for (place, bid) in auction.bids().iter().enumerate() {
        let (whole, rest) = (bid.value.units() / scale, bid.value.units() % scale);
        let price =
            if digits == 0 { format!("{whole}") } else { format!("{whole}.{rest:0digits$}") };
        let dummy = dummy_of.get(&bid.bidder);
        let goods: String = bid.goods.iter().chain(dummy).fold(String::new(), |mut goods, good| {
            let _written = write!(goods, "\t{good}");
            goods
        });
        let _written = writeln!(text, "{place}\t{price}{goods}\t#");
    }
    Ok(text)
}

/// How many minor units are one unit.
fn scale(decimals: u32) -> Result<i64, Invalid> {
    let rule = "must be at most nine";
    let refused = || Invalid::new(Subject::Problem, "decimals", decimals, rule);
    (decimals <= 9).then(|| 10_i64.pow(decimals)).ok_or_else(refused)
}

/// One bid as it stands in the file.
struct BidLine<'a> {
    number: u64,
    id: &'a str,
    price: Money,
    goods: Vec<u64>,
}

impl<'a> BidLine<'a> {
    fn parse(
        number: u64,
        id: &'a str,
        words: impl Iterator<Item = &'a str>,
        scale: i64,
    ) -> Result<Self, Invalid> {
        let refused = |field, value: &dyn Display, rule| {
            Invalid::new(Subject::Line(number), field, value, rule)
        };
        if id.parse::<u64>().is_err() {
            return Err(refused("bid", &id, "must be a number, goods, bids, dummy or a comment"));
        }
        let mut words = words.peekable();
        let price = words.next().unwrap_or("missing");
        let price = parse_price(price, scale).map_err(|rule| refused("price", &price, rule))?;
        let mut goods = Vec::new();
        loop {
            match words.next() {
                Some("#") => break,
                None => return Err(refused("end", &"missing", "must be #")),
                Some(good) => goods.push(
                    good.parse().map_err(|_| refused("good", &good, "must be a number or #"))?,
                ),
            }
        }
        match words.next() {
            Some(word) => Err(refused("end", &word, "must be #")),
            None => Ok(Self { number, id, price, goods }),
        }
    }
}

/// `price` in minor units, or the rule that it breaks.
#[expect(clippy::cast_possible_truncation, reason = "it was compared with the largest price")]
fn parse_price(price: &str, scale: i64) -> Result<Money, &'static str> {
    let price: f64 = price.parse().map_err(|_| "must be a number of at least zero")?;
    let units = (price * scale as f64).round();
    if !price.is_finite() || units < 0.0 {
        return Err("must be a number of at least zero");
    }
    let too_much = "must be at most 10^15 minor units";
    if units > Money::MAX.units() as f64 {
        return Err(too_much);
    }
    Money::new(units as i64).ok_or(too_much)
}

/// The one number that follows `key`.
fn only_number<'a>(
    line: u64,
    key: &'static str,
    mut words: impl Iterator<Item = &'a str>,
) -> Result<u64, Invalid> {
    let (word, rest) = (words.next().unwrap_or("missing"), words.next());
    let number = word.parse().ok().filter(|_| rest.is_none());
    let refused =
        || Invalid::new(Subject::Line(line), key, rest.unwrap_or(word), "must be one number");
    number.ok_or_else(refused)
}

/// The auction of `lines`: dummy goods become bidders.
fn assemble(goods: u64, dummies: u64, lines: &[BidLine<'_>]) -> Result<Auction, Invalid> {
    let too_many = || Invalid::new(Subject::Problem, "goods", goods, "must be countable in memory");
    let real = usize::try_from(goods).map_err(|_| too_many())?;
    let all = goods.checked_add(dummies).ok_or_else(too_many)?;
    let (mut ids, mut bidder_of, mut bidders) = (BTreeSet::new(), BTreeMap::new(), 0_u64..);
    let mut bids = Vec::new();
    for line in lines {
        let refused = |field, value: &dyn Display, rule| {
            Invalid::new(Subject::Line(line.number), field, value, rule)
        };
        if !ids.insert(line.id) {
            return Err(refused("bid", &line.id, "must not be given twice"));
        }
        if let Some(unknown) = line.goods.iter().find(|&&good| good >= all) {
            return Err(refused("good", unknown, "must be less than goods and dummies together"));
        }
        let (own, dummy): (Vec<u64>, Vec<u64>) = line.goods.iter().partition(|&&good| good < goods);
        let mut fresh = || AgentId(bidders.next().unwrap_or(u64::MAX));
        let bidder = match dummy[..] {
            [] => fresh(),
            [dummy] => *bidder_of.entry(dummy).or_insert_with(fresh),
            [_, second, ..] => {
                return Err(refused("good", &second, "must be the bid's only dummy good"));
            }
        };
        let own = own.into_iter().filter_map(|good| usize::try_from(good).ok()).collect();
        bids.push(Bid { bidder, goods: own, value: line.price });
    }
    Auction::new(real, bids).map_err(|mut refused| {
        let place = if let Subject::Bid(place) = refused.subject {
            usize::try_from(place).ok()
        } else {
            None
        };
        if let Some(line) = place.and_then(|place| lines.get(place)) {
            refused.subject = Subject::Line(line.number);
        }
        refused
    })
}
