//! The fixpoint against an exact solution, and what flows to whom.

use num_rational::Ratio;
use proptest::prelude::*;

use super::*;

type Fraction = Ratio<i128>;

fn opinion(of: u32, about: u32, trust: u32) -> Opinion {
    Opinion { of, about, trust }
}

fn pre(peer: u32, weight: u32) -> PreTrusted {
    PreTrusted { peer, weight }
}

fn halves() -> EigenTrust {
    EigenTrust { damping: 0.5, ..EigenTrust::default() }
}

fn trust(peers: u32, opinions: &[Opinion], pre_trusted: &[PreTrusted]) -> Vec<f64> {
    let graph = TrustGraph::new(peers, opinions).unwrap();
    graph.eigentrust(pre_trusted, &halves()).unwrap().trust
}

/// Solves t = Ct/2 + p/2 by elimination, exactly.
fn exact(peers: usize, opinions: &[Opinion], pre_trusted: &[PreTrusted]) -> Vec<f64> {
    let integer = |number: u32| Fraction::from_integer(number.into());
    let mut restart = vec![integer(0); peers];
    let weight: u32 = pre_trusted.iter().map(|one| one.weight).sum();
    for one in pre_trusted {
        restart[one.peer as usize] = Fraction::new(one.weight.into(), weight.into());
    }
    // Row `about`, column `of`, then the right side.
    let half = Fraction::new(1, 2);
    let mut rows = vec![vec![integer(0); peers + 1]; peers];
    for of in 0..peers {
        let own = || opinions.iter().filter(|one| one.of as usize == of && one.trust > 0);
        let given: u32 = own().map(|one| one.trust).sum();
        for one in own() {
            rows[one.about as usize][of] -= half * Fraction::new(one.trust.into(), given.into());
        }
        for (row, part) in rows.iter_mut().zip(&restart).filter(|_| given == 0) {
            row[of] -= half * part;
        }
    }
    for (peer, row) in rows.iter_mut().enumerate() {
        row[peer] += integer(1);
        row[peers] = half * restart[peer];
    }
    for pivot in 0..peers {
        // The matrix is diagonally dominant by columns: no pivot is 0.
        let scale = rows[pivot][pivot];
        rows[pivot].iter_mut().for_each(|entry| *entry /= scale);
        let pivot_row = rows[pivot].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(row, _)| *row != pivot) {
            let factor = row[pivot];
            row.iter_mut().zip(&pivot_row).for_each(|(entry, above)| *entry -= factor * above);
        }
    }
    let float = |one: Fraction| *one.numer() as f64 / *one.denom() as f64;
    rows.into_iter().map(|row| float(row[peers])).collect()
}

fn distance(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).sum()
}

/// Opinions of `peers` peers, each about each at most once.
fn opinions(peers: u32, most: u32) -> impl Strategy<Value = Vec<Opinion>> {
    let pairs: Vec<(u32, u32)> = (0..peers)
        .flat_map(|of| (0..peers).map(move |about| (of, about)))
        .filter(|(of, about)| of != about)
        .collect();
    let count = pairs.len();
    (prop::sample::subsequence(pairs, 0..=count), prop::collection::vec(0..=most, count)).prop_map(
        |(pairs, trusts)| {
            let all = pairs.into_iter().zip(trusts);
            all.map(|((of, about), trust)| opinion(of, about, trust)).collect()
        },
    )
}

proptest! {
    #[test]
    fn it_is_the_exact_fixpoint_to_within_the_residual(
        opinions in opinions(4, 5), weights in (1..4_u32, 0..4_u32)
    ) {
        let pre_trusted = [pre(0, weights.0), pre(2, weights.1)];
        let found = trust(4, &opinions, &pre_trusted);
        prop_assert!(distance(&found, &exact(4, &opinions, &pre_trusted)) <= 2e-9);
    }

    #[test]
    fn all_trust_adds_up_to_one(
        opinions in opinions(6, u32::MAX), damping in 0.001..=1.0_f64, residual in 1e-12..1e-3_f64
    ) {
        let settings = EigenTrust { damping, residual };
        let graph = TrustGraph::new(6, &opinions).unwrap();
        let global = graph.eigentrust(&[pre(1, 7), pre(5, 2)], &settings).unwrap();
        prop_assert!(global.trust.iter().all(|&trust| trust >= 0.0));
        prop_assert!((global.trust.iter().sum::<f64>() - 1.0).abs() <= 1e-12);
        prop_assert!(global.residual <= residual, "{}", global.residual);
    }

    #[test]
    fn the_order_of_the_opinions_does_not_matter(
        (ordered, shuffled) in opinions(6, 9).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
    ) {
        prop_assert_eq!(trust(6, &ordered, &[pre(0, 1)]), trust(6, &shuffled, &[pre(0, 1)]));
    }

    #[test]
    fn only_the_ratio_of_a_peer_s_opinions_counts(mut opinions in opinions(5, 9), unit in 1..999_u32) {
        let before = trust(5, &opinions, &[pre(0, 1)]);
        for one in opinions.iter_mut().filter(|one| one.of == 1) {
            one.trust *= unit;
        }
        prop_assert!(distance(&before, &trust(5, &opinions, &[pre(0, 1)])) <= 1e-12);
    }

    #[test]
    fn the_names_of_the_peers_do_not_matter(mut opinions in opinions(5, 9)) {
        let mut before = trust(5, &opinions, &[pre(0, 1), pre(1, 2)]);
        for one in &mut opinions {
            (one.of, one.about) = (4 - one.of, 4 - one.about);
        }
        before.reverse();
        let after = trust(5, &opinions, &[pre(4, 1), pre(3, 2)]);
        prop_assert!(distance(&before, &after) <= 1e-12);
    }

    /// Peers 0 to 3 hold no opinion of 4 to 6, who hold any of anybody.
    #[test]
    fn nothing_flows_to_a_group_that_nobody_else_trusts(mut opinions in opinions(7, 9)) {
        opinions.retain(|one| one.of > 3 || one.about <= 3);
        let found = trust(7, &opinions, &[pre(0, 1), pre(3, 1)]);
        prop_assert_eq!(&found[4..], [0.0; 3]);
    }
}

/// The worked example in the manual of go-eigentrust, an implementation by Karma3 Labs: peers ek, vm,
/// sd; a damping of one half; 0.2171, 0.4806 and 0.3023, that is 28, 62 and 39 parts in 129.
#[test]
fn the_example_of_three_peers_comes_out_as_printed() {
    let opinions = [opinion(0, 2, 100), opinion(1, 2, 100), opinion(0, 1, 75)];
    let found = trust(3, &opinions, &[pre(0, 50), pre(1, 100)]);
    let printed = [0.217_054_279_071_664_72, 0.480_620_178_018_013_4, 0.302_325_542_910_321_8];
    assert!(distance(&found, &printed) <= 1e-6);
    assert!(distance(&found, &[28.0, 62.0, 39.0].map(|part| part / 129.0)) <= 2e-9);
}

/// Negative control: without pre-trusted peers, everybody being trusted a little beforehand, a group
/// that only praises itself does get trust.
#[test]
fn trust_flows_to_the_group_if_everybody_is_pre_trusted() {
    let opinions = [opinion(0, 1, 1), opinion(1, 0, 1), opinion(2, 3, 1), opinion(3, 2, 1)];
    let everybody = [0, 1, 2, 3].map(|peer| pre(peer, 1));
    assert!(trust(4, &opinions, &everybody)[2] > 0.2);
    assert_eq!(trust(4, &opinions, &[pre(0, 1)])[2..], [0.0, 0.0]);
}

/// Negative control: it is not proof against Sybils. Peer 1, whom 0 trusts, keeps its trust among two
/// peers of its own making.
#[test]
fn a_trusted_peer_gains_by_making_peers_that_trust_it() {
    let honest = [opinion(0, 1, 1), opinion(1, 2, 1)];
    let sybils = [opinion(0, 1, 1), opinion(1, 3, 1), opinion(3, 1, 1)];
    let before = trust(4, &honest, &[pre(0, 1)])[1];
    let after = trust(4, &sybils, &[pre(0, 1)])[1];
    assert!(after > before * 1.1, "{before} {after}");
}

#[test]
fn without_opinions_only_the_pre_trusted_are_trusted() {
    assert_eq!(trust(3, &[], &[pre(2, 3), pre(1, 1)]), [0.0, 0.25, 0.75]);
    let graph = TrustGraph::new(3, &[opinion(0, 1, 9)]).unwrap();
    let settings = EigenTrust { damping: 1.0, ..EigenTrust::default() };
    assert_eq!(graph.eigentrust(&[pre(0, 1)], &settings).unwrap().trust, [1.0, 0.0, 0.0]);
    // An opinion of 0 is none.
    assert_eq!(trust(2, &[opinion(0, 1, 0)], &[pre(0, 1)]), [1.0, 0.0]);
}

#[test]
fn bad_graphs_and_settings_are_refused_by_name() {
    let refused = |opinions: &[Opinion]| TrustGraph::new(3, opinions).unwrap_err().to_string();
    assert_eq!(
        refused(&[opinion(3, 0, 1)]),
        "agent 3: opinion of is 3: must be below the number of peers"
    );
    assert_eq!(
        refused(&[opinion(0, 4, 1)]),
        "agent 0: opinion about is 4: must be below the number of peers"
    );
    assert_eq!(refused(&[opinion(1, 1, 1)]), "agent 1: opinion about is 1: must be somebody else");
    assert_eq!(
        refused(&[opinion(1, 2, 1), opinion(0, 2, 1), opinion(1, 2, 5)]),
        "agent 1: opinion about is 2: must be stated once"
    );

    let graph = TrustGraph::new(3, &[]).unwrap();
    let refused = |pre_trusted: &[PreTrusted]| {
        graph.eigentrust(pre_trusted, &EigenTrust::default()).unwrap_err().to_string()
    };
    let nobody = "the problem: weight of all pre-trusted peers is 0: must be above 0";
    assert_eq!(refused(&[]), nobody);
    assert_eq!(refused(&[pre(0, 0)]), nobody);
    assert_eq!(
        refused(&[pre(0, 1), pre(0, 2)]),
        "agent 0: pre-trusted peer is 0: must be stated once"
    );
    assert!(refused(&[pre(3, 1)]).contains("must be below the number of peers"));
    for bad in [0.0, 1.1, -0.5, f64::NAN, f64::INFINITY] {
        for settings in [
            EigenTrust { damping: bad, ..EigenTrust::default() },
            EigenTrust { residual: bad, ..EigenTrust::default() },
        ] {
            assert!(graph.eigentrust(&[pre(0, 1)], &settings).is_err(), "{bad}");
        }
    }
}
