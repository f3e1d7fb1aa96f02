//! The axioms of the Shapley value, in exact arithmetic, and divisions that break each of them.

use num_rational::Ratio;
use proptest::prelude::*;

use super::sampled::{Sampling, shapley_sampled};
use super::*;

/// A way to divide what a game earns: the worths of all coalitions in, one share for each player out.
type Division = fn(&Game) -> Vec<Ratio<i128>>;

/// What each coalition is worth, by its bits.
#[derive(Clone, Debug)]
struct Game {
    players: usize,
    worths: Vec<i64>,
}

impl Game {
    fn new(players: usize, worth: impl Fn(Coalition) -> i64) -> Self {
        Self { players, worths: (0..1 << players).map(|bits| worth(Coalition(bits))).collect() }
    }

    fn worth(&self, coalition: Coalition) -> i128 {
        self.worths[coalition.bits() as usize].into()
    }

    fn adds(&self, player: usize, coalition: Coalition) -> i128 {
        self.worth(Coalition(coalition.bits() | 1 << player)) - self.worth(coalition)
    }

    fn coalitions(&self) -> impl Iterator<Item = Coalition> + use<> {
        (0..1 << self.players).map(Coalition)
    }

    fn everybody(&self) -> Coalition {
        Coalition((1 << self.players) - 1)
    }
}

/// Orders of `players`, all of them.
fn orders(players: &[usize]) -> Vec<Vec<usize>> {
    if players.is_empty() {
        return vec![Vec::new()];
    }
    let rest = |last: usize| -> Vec<usize> {
        players.iter().copied().filter(|&player| player != last).collect()
    };
    let ending = |last: usize| {
        orders(&rest(last)).into_iter().map(move |mut order| {
            order.push(last);
            order
        })
    };
    players.iter().flat_map(|&last| ending(last)).collect()
}

fn shapley(game: &Game) -> Vec<Ratio<i128>> {
    let worth = |coalition| money(i64::try_from(game.worth(coalition)).unwrap());
    let value = shapley_value(game.players, worth).unwrap();
    value.numerators().iter().map(|&share| Ratio::new(share, value.denominator())).collect()
}

/// The definition: the mean over all orders.
fn mean_over_all_orders(game: &Game) -> Vec<Ratio<i128>> {
    let all = orders(&(0..game.players).collect::<Vec<_>>());
    let mut sums = vec![0; game.players];
    for order in &all {
        let mut before = Coalition(0);
        for &player in order {
            sums[player] += game.adds(player, before);
            before = Coalition(before.bits() | 1 << player);
        }
    }
    sums.into_iter().map(|sum| Ratio::new(sum, all.len() as i128)).collect()
}

/// Mutant: the mean over all coalitions (Banzhaf). Not efficient.
fn banzhaf(game: &Game) -> Vec<Ratio<i128>> {
    let sum = |player| game.coalitions().map(|coalition| game.adds(player, coalition)).sum();
    (0..game.players).map(|player| Ratio::new(sum(player), 1 << (game.players - 1))).collect()
}

/// Mutant: everybody alike. Pays the null player.
fn equal_split(game: &Game) -> Vec<Ratio<i128>> {
    vec![Ratio::new(game.worth(game.everybody()), game.players as i128); game.players]
}

/// Mutant: one order only. Not symmetric.
fn in_the_order_of_ids(game: &Game) -> Vec<Ratio<i128>> {
    let adds = |player: usize| game.adds(player, Coalition((1 << player) - 1));
    (0..game.players).map(|player| Ratio::from_integer(adds(player))).collect()
}

/// Mutant: in proportion to what each earns alone. Not additive.
fn proportional(game: &Game) -> Vec<Ratio<i128>> {
    let alone = |player: usize| game.worth(Coalition(1 << player));
    let sum: i128 = (0..game.players).map(alone).sum();
    let share = |player| Ratio::new(alone(player) * game.worth(game.everybody()), sum.max(1));
    (0..game.players).map(share).collect()
}

fn is_efficient(divide: Division, game: &Game) -> bool {
    divide(game).iter().sum::<Ratio<i128>>() == Ratio::from_integer(game.worth(game.everybody()))
}

/// Players who add the same to every coalition without both of them receive the same.
fn is_symmetric(divide: Division, game: &Game) -> bool {
    let shares = divide(game);
    let alike = |one: usize, other: usize| {
        game.coalitions()
            .filter(|coalition| !coalition.contains(one) && !coalition.contains(other))
            .all(|coalition| game.adds(one, coalition) == game.adds(other, coalition))
    };
    (0..game.players)
        .all(|one| (0..one).all(|other| !alike(one, other) || shares[one] == shares[other]))
}

/// Who adds nothing to any coalition receives nothing.
fn pays_no_null_player(divide: Division, game: &Game) -> bool {
    let shares = divide(game);
    let is_null = |&player: &usize| game.coalitions().all(|all| game.adds(player, all) == 0);
    (0..game.players).filter(is_null).all(|player| shares[player] == Ratio::from_integer(0))
}

fn is_additive(divide: Division, one: &Game, other: &Game) -> bool {
    let both = Game::new(one.players, |coalition| {
        i64::try_from(one.worth(coalition) + other.worth(coalition)).unwrap()
    });
    let (first, second) = (divide(one), divide(other));
    divide(&both).into_iter().zip(first).zip(second).all(|((sum, one), other)| sum == one + other)
}

fn money(units: i64) -> Money {
    Money::new(units).unwrap()
}

/// One left glove (player 0) and two right ones; a pair is worth `pair`.
fn gloves(pair: i64) -> Game {
    Game::new(3, |all| if all.contains(0) && all.size() > 1 { pair } else { 0 })
}

fn games(players: usize) -> impl Strategy<Value = Game> {
    let worth = prop_oneof![4 => -20..60_i64, 1 => Money::MIN.units() / 2..=Money::MAX.units() / 2];
    prop::collection::vec(worth, 1 << players).prop_map(move |mut worths| {
        worths[0] = 0;
        Game { players, worths }
    })
}

/// Games with a null player (the last) and two players who can't be told apart (0 and 1).
fn degenerate_games() -> impl Strategy<Value = Game> {
    games(4).prop_map(|game| {
        let plain = |all: Coalition| {
            let same = (all.bits() & 3).count_ones();
            Coalition(all.bits() & 0b100 | [0, 1, 3][same as usize])
        };
        Game::new(4, |all| i64::try_from(game.worth(plain(all))).unwrap())
    })
}

proptest! {
    #[test]
    fn it_is_the_mean_over_all_orders(game in (1..=5_usize).prop_flat_map(games)) {
        prop_assert_eq!(shapley(&game), mean_over_all_orders(&game));
    }

    #[test]
    fn the_shares_add_up_to_what_everybody_earns(game in (1..=6_usize).prop_flat_map(games)) {
        prop_assert!(is_efficient(shapley, &game));
    }

    #[test]
    fn null_players_earn_nothing_and_equal_players_the_same(game in degenerate_games()) {
        prop_assert!(pays_no_null_player(shapley, &game));
        prop_assert!(is_symmetric(shapley, &game));
    }

    #[test]
    fn two_games_together_earn_what_they_earn_apart(one in games(4), other in games(4)) {
        prop_assert!(is_additive(shapley, &one, &other));
    }

    #[test]
    fn the_rounded_shares_add_up_and_are_within_one_unit(game in (1..=5_usize).prop_flat_map(games)) {
        let worth = |all| money(i64::try_from(game.worth(all)).unwrap());
        let rounded = shapley_value(game.players, worth).unwrap().rounded();
        // Half the bounds of money: no share can be beyond them.
        let rounded = rounded.unwrap();
        prop_assert_eq!(Money::total(rounded.iter().copied()), Some(worth(game.everybody())));
        for (whole, share) in rounded.iter().zip(shapley(&game)) {
            let error = Ratio::from_integer(i128::from(whole.units())) - share;
            prop_assert!(error < Ratio::from_integer(1) && error > Ratio::from_integer(-1));
        }
    }

    #[test]
    fn the_samples_add_up_exactly_and_stay_within_the_interval(
        game in prop::collection::vec(0..60_i64, 32), seed in any::<u64>()
    ) {
        let mut game = Game { players: 5, worths: game };
        game.worths[0] = 0;
        let worth = |members: &[usize]| {
            let bits = members.iter().fold(0, |bits, player| bits | 1 << player);
            money(i64::try_from(game.worth(Coalition(bits))).unwrap())
        };
        // A risk of 10^-9 over all cases.
        let sampling =
            Sampling { orders: 300, seed, least: money(-60), most: money(60), risk: 1e-12 };
        let estimate = shapley_sampled(5, worth, &sampling).unwrap();
        prop_assert_eq!(&estimate, &shapley_sampled(5, worth, &sampling).unwrap());
        let sum: i128 = estimate.totals().iter().sum();
        prop_assert_eq!(sum, 300 * game.worth(game.everybody()));
        for (share, exact) in estimate.shares().zip(shapley(&game)) {
            let exact = *exact.numer() as f64 / *exact.denom() as f64;
            prop_assert!((share - exact).abs() <= estimate.half_width());
        }
    }
}

/// Every axiom is broken by a division that is not the Shapley value, and the law says so.
#[test]
fn other_divisions_break_one_axiom_each() {
    let (game, other) = (gloves(600), Game::new(3, |all| if all.size() > 1 { 300 } else { 60 }));
    assert!(!is_efficient(banzhaf, &game));
    assert!(!is_symmetric(in_the_order_of_ids, &game));
    assert!(!is_additive(proportional, &other, &Game::new(3, |all| i64::from(all.bits()))));
    let dictator = Game::new(3, |all| i64::from(all.contains(2)));
    assert!(!pays_no_null_player(equal_split, &dictator));

    for divide in [banzhaf, in_the_order_of_ids, equal_split, proportional] as [Division; 4] {
        assert_ne!(divide(&game), shapley(&game));
    }
}

/// The glove game (L. S. Shapley and M. Shubik, *Pure competition, coalitional power, and fair
/// division*, 1969): with one left glove and two right ones the owners earn 2/3, 1/6 and 1/6; with two
/// of each, 1/2 each.
#[test]
fn the_glove_game_comes_out_as_published() {
    let ratio = |numerator, denominator| Ratio::new(numerator, denominator);
    assert_eq!(shapley(&gloves(1)), [ratio(2, 3), ratio(1, 6), ratio(1, 6)]);

    let pairs = |all: Coalition| (all.bits() & 3).count_ones().min((all.bits() >> 2).count_ones());
    let value = shapley(&Game::new(4, |all| pairs(all).into()));
    assert_eq!(value, vec![ratio(1, 2); 4]);
    let value = shapley(&Game::new(3, |all| pairs(all).into()));
    assert_eq!(value, [ratio(1, 6), ratio(1, 6), ratio(2, 3)]);
}

/// L. S. Shapley and M. Shubik, *A method for evaluating the distribution of power in a committee
/// system*, 1954, for the Security Council of 15 (since 1965): 421/2145 for a permanent member, whose
/// veto counts, and 4/2145 for one of the ten others; nine votes pass.
#[test]
fn the_security_council_s_index_comes_out_as_published() {
    let passes = |all: Coalition| all.bits() & 31 == 31 && all.size() >= 9;
    let value = shapley_value(15, |all| money(passes(all).into())).unwrap();
    assert_eq!(value.denominator(), 2_145);
    let expected = [[421; 5].as_slice(), [4; 10].as_slice()].concat();
    assert_eq!(value.numerators(), expected);
}

/// S. C. Littlechild and G. Owen, *A simple expression for the Shapley value in a special case*,
/// 1973: who needs the runway up to a length shares its cost with those who need as much. By that rule costs
/// of 8, 11, 13 and 18 give 2, 3, 4 and 9.
#[test]
fn the_airport_game_shares_each_stretch_among_its_users() {
    let costs = [8, 11, 13, 18];
    let worth = |all: Coalition| -all.players().map(|plane| costs[plane]).max().unwrap_or(0);
    let value = shapley_value(4, |all| money(worth(all))).unwrap();
    assert_eq!((value.numerators(), value.denominator()), (&[-2, -3, -4, -9][..], 1));
}

/// Negative control: the value promises no core membership. Whoever owns a right glove and the owner
/// of the left one earn 5/6 and could earn 1.
#[test]
fn a_coalition_may_do_better_alone() {
    let value = shapley(&gloves(1));
    assert!(value[0] + value[1] < Ratio::from_integer(1));
}

#[test]
fn twenty_players_at_the_bounds_of_money_are_exact() {
    let value = shapley_value(20, |all| if all.size() == 0 { Money::ZERO } else { Money::MAX });
    let value = value.unwrap();
    assert_eq!(value.numerators(), [i128::from(Money::MAX.units()) / 20; 20]);
    assert_eq!(value.denominator(), 1);
    let rounded = value.rounded().unwrap();
    assert_eq!(Money::total(rounded), Some(Money::MAX));
}

#[test]
fn a_share_beyond_money_is_not_rounded() {
    let worth = |all: Coalition| match all.bits() {
        0 => Money::ZERO,
        0b01 => Money::MIN,
        _ => Money::MAX,
    };
    let value = shapley_value(2, worth).unwrap();
    assert_eq!(value.numerators(), [-500_000_000_000_000, 1_500_000_000_000_000]);
    assert_eq!(value.rounded(), None);
}

#[test]
fn equal_remainders_go_to_the_lowest_player() {
    let value = shapley_value(3, |all| money(if all.size() == 3 { 10 } else { 0 })).unwrap();
    assert_eq!((value.numerators(), value.denominator()), (&[10, 10, 10][..], 3));
    assert_eq!(value.rounded().unwrap(), [4, 3, 3].map(money));
}

#[test]
fn nobody_earns_nothing() {
    let value = shapley_value(0, |_| Money::ZERO).unwrap();
    assert_eq!((value.numerators(), value.denominator()), (&[][..], 1));
    assert_eq!(value.rounded(), Some(Vec::new()));
}

#[test]
fn bad_games_are_refused_by_name() {
    let refused = shapley_value(21, |_| Money::ZERO).unwrap_err();
    assert_eq!(refused.to_string(), "the problem: players is 21: must be at most 20");
    let refused = shapley_value(1, |_| money(5)).unwrap_err();
    assert_eq!(refused.to_string(), "the problem: worth of the empty coalition is 5: must be 0");

    let (least, most) = (Money::ZERO, money(1));
    let sampling = Sampling { orders: 1, seed: 0, least, most, risk: 0.1 };
    let worth = |members: &[usize]| if members.is_empty() { Money::ZERO } else { money(3) };
    let refused = shapley_sampled(1, worth, &sampling).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "agent 0: addition to a coalition is 3: must be between the stated least and most"
    );
    for risk in [0.0, 1.0, f64::NAN, -1.0] {
        assert!(shapley_sampled(1, worth, &Sampling { risk, ..sampling }).is_err());
    }
    assert!(shapley_sampled(1, worth, &Sampling { orders: 0, ..sampling }).is_err());
}
