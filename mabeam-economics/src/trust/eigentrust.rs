//! `EigenTrust`: what everybody is worth believing, from everybody's opinions, weighted by what those
//! who hold them are worth believing.
//!
//! Owns the graph of opinions and the fixpoint. Promises the same floats for the same opinions in any
//! order, within the stated residual. Leaves to its caller who is trusted beforehand.

use crate::{Invalid, Subject};

/// What one peer holds of another, from their dealings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// Whose opinion it is.
    pub of: u32,
    /// Whom it is about; somebody else.
    pub about: u32,
    /// Satisfactory dealings less the others, or 0 if that is negative. Only its ratio to the other
    /// opinions of the same peer counts.
    pub trust: u32,
}

/// A peer who is trusted before anybody has dealt with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreTrusted {
    /// Who.
    pub peer: u32,
    /// How much, in proportion to the others. Who has 0 is not pre-trusted.
    pub weight: u32,
}

/// How the global trust is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EigenTrust {
    /// The part of all trust that goes to the pre-trusted peers in each round (*a* in the paper):
    /// 0.001 to 1.
    pub damping: f64,
    /// The most by which all peers' trust together may change in the last round: 10^-12 to 1. Then
    /// it is within `residual / damping` of the fixpoint.
    pub residual: f64,
}

impl Default for EigenTrust {
    /// A damping of 0.15, a residual of 10^-9.
    fn default() -> Self {
        Self { damping: 0.15, residual: 1e-9 }
    }
}

/// What everybody is worth believing.
#[derive(Clone, Debug, PartialEq)]
pub struct GlobalTrust {
    /// The trust in each peer, in the peers' order: at least 0, together 1.
    pub trust: Vec<f64>,
    /// How many rounds it took.
    pub rounds: u32,
    /// By how much all peers' trust together changed in the last one.
    pub residual: f64,
}

/// Everybody's opinions about everybody: 8 bytes for each, and 12 for each peer.
#[derive(Clone, Debug)]
pub struct TrustGraph {
    /// Where the opinions about each peer begin in `held`, and where the last ones end.
    starts: Vec<u32>,
    /// Whose opinion, and its trust: by whom it is about, then by whose it is.
    held: Vec<(u32, u32)>,
    /// The sum of each peer's own opinions.
    given: Vec<u64>,
}

impl TrustGraph {
    /// The `opinions` of the peers `0..peers`.
    ///
    /// Errors: a peer that is not there; an opinion of oneself; two opinions of the same peer about
    /// the same; 2^32 opinions or more.
    ///
    /// Cost: O(n + m log d) for n peers and m opinions, at most d of them about the same peer.
    pub fn new(peers: u32, opinions: &[Opinion]) -> Result<Self, Invalid> {
        let count = u32::try_from(opinions.len()).map_err(|_| {
            Invalid::new(Subject::Problem, "opinions", opinions.len(), "must be below 2^32")
        })?;
        let (mut ends, mut given) = (vec![0_u32; peers as usize + 1], vec![0_u64; peers as usize]);
        for &Opinion { of, about, trust } in opinions {
            let refuse =
                |field, peer, rule| Err(Invalid::new(Subject::Agent(of.into()), field, peer, rule));
            if of >= peers {
                return refuse("opinion of", of, "must be below the number of peers");
            }
            if about >= peers {
                return refuse("opinion about", about, "must be below the number of peers");
            }
            if of == about {
                return refuse("opinion about", about, "must be somebody else");
            }
            ends[about as usize] += 1;
            given[of as usize] += u64::from(trust);
        }

        // Filled from the end of each peer's part, so that an end becomes a start.
        let mut end = 0;
        for part in &mut ends {
            end += *part;
            *part = end;
        }
        let (mut starts, mut held) = (ends, vec![(0, 0); count as usize]);
        for opinion in opinions {
            let place = &mut starts[opinion.about as usize];
            *place -= 1;
            held[*place as usize] = (opinion.of, opinion.trust);
        }

        let mut graph = Self { starts, held, given };
        graph.sort_parts()?;
        Ok(graph)
    }

    /// How many peers there are.
    pub fn peers(&self) -> usize {
        self.given.len()
    }

    /// Sums then come out the same in whatever order the opinions came in.
    fn sort_parts(&mut self) -> Result<(), Invalid> {
        for (about, ends) in self.starts.windows(2).enumerate() {
            let &[start, end] = ends else { continue };
            let part = &mut self.held[start as usize..end as usize];
            part.sort_unstable();
            let twice = part.windows(2).find(|pair| pair[0].0 == pair[1].0);
            if let Some(&[(of, _), _]) = twice {
                let who = Subject::Agent(of.into());
                return Err(Invalid::new(who, "opinion about", about, "must be stated once"));
            }
        }
        Ok(())
    }

    /// The global trust: the fixpoint of trusting everybody as much as those whom one trusts do.
    ///
    /// In each round every peer passes its trust on, in proportion to its opinions; the part
    /// `damping` of all trust, and all the trust of peers without an opinion, goes to the pre-trusted
    /// ones instead. A group about which nobody outside holds an opinion gets nothing, however its
    /// members praise each other.
    ///
    /// Not promised: resistance to Sybils. A peer whom somebody trusts can raise its own trust by
    /// passing it on to peers of its own making who pass it back (A. Cheng and E. Friedman,
    /// *Sybilproof reputation mechanisms*, 2005, show which measures could prevent it). Nor truthful
    /// opinions.
    ///
    /// Errors: a damping or residual out of its bounds; no pre-trusted peer, one that is not there,
    /// the same one twice.
    ///
    /// Cost: O(n + m) a round, and at most ln(residual) / ln(1 - damping) rounds, roughly: 130 with
    /// the defaults, and far fewer where opinions are well mixed. 24 bytes for each peer.
    ///
    /// Source: S. D. Kamvar, M. T. Schlosser and H. Garcia-Molina, *The `EigenTrust` algorithm for
    /// reputation management in P2P networks*, WWW 2003, algorithm 2.
    ///
    /// ```
    /// use mabeam_economics::trust::{EigenTrust, Opinion, PreTrusted, TrustGraph};
    ///
    /// let opinion = |of, about| Opinion { of, about, trust: 1 };
    /// // 0 trusts 1, who trusts 0. 2 and 3 praise each other; nobody else does.
    /// let graph = TrustGraph::new(4, &[opinion(0, 1), opinion(1, 0), opinion(2, 3), opinion(3, 2)])?;
    /// let global = graph.eigentrust(&[PreTrusted { peer: 0, weight: 1 }], &EigenTrust::default())?;
    /// assert!(global.trust[0] > global.trust[1]);
    /// assert_eq!(global.trust[2..], [0.0, 0.0]);
    /// # Ok::<(), mabeam_economics::Invalid>(())
    /// ```
    pub fn eigentrust(
        &self,
        pre_trusted: &[PreTrusted],
        settings: &EigenTrust,
    ) -> Result<GlobalTrust, Invalid> {
        let &EigenTrust { damping, residual } = settings;
        within("damping", damping, 0.001..=1.0, "must be 0.001 to 1")?;
        within("residual", residual, 1e-12..=1.0, "must be 10^-12 to 1")?;
        let restart = self.restart(pre_trusted)?;

        let mut trust = vec![0.0; self.peers()];
        for &(peer, part) in &restart {
            trust[peer] = part;
        }
        let mut passed = vec![0.0; self.peers()];
        let mut next = vec![0.0; self.peers()];
        // What the last change can be at most, were there no rounding: it shrinks in each round.
        let (mut changed, mut bound, mut rounds) = (f64::INFINITY, 2.0, 0);
        while changed > residual && bound > residual * 0.001 {
            let kept = self.pass_on(&trust, &mut passed);
            for (next, ends) in next.iter_mut().zip(self.starts.windows(2)) {
                *next = (1.0 - damping) * self.received(ends, &passed);
            }
            for &(peer, part) in &restart {
                next[peer] += (damping + (1.0 - damping) * kept) * part;
            }
            changed = trust.iter().zip(&next).map(|(before, after)| (after - before).abs()).sum();
            std::mem::swap(&mut trust, &mut next);
            bound *= 1.0 - damping;
            rounds += 1;
        }
        Ok(GlobalTrust { trust, rounds, residual: changed })
    }

    /// What each peer passes on for each unit of its opinions; returns the trust of those who have
    /// none.
    fn pass_on(&self, trust: &[f64], passed: &mut [f64]) -> f64 {
        let mut kept = 0.0;
        for ((passed, &trust), &given) in passed.iter_mut().zip(trust).zip(&self.given) {
            *passed = if given == 0 { 0.0 } else { trust / given as f64 };
            kept += if given == 0 { trust } else { 0.0 };
        }
        kept
    }

    /// What is passed to the peer whose opinions lie between `ends`.
    fn received(&self, ends: &[u32], passed: &[f64]) -> f64 {
        let &[start, end] = ends else { return 0.0 };
        let part = &self.held[start as usize..end as usize];
        part.iter().map(|&(of, trust)| f64::from(trust) * passed[of as usize]).sum()
    }

    /// The pre-trusted peers and their parts, which add up to 1.
    fn restart(&self, pre_trusted: &[PreTrusted]) -> Result<Vec<(usize, f64)>, Invalid> {
        let mut sorted: Vec<(u32, u32)> =
            pre_trusted.iter().map(|one| (one.peer, one.weight)).collect();
        sorted.sort_unstable();
        let refuse = |peer: u32, rule| {
            Err(Invalid::new(Subject::Agent(peer.into()), "pre-trusted peer", peer, rule))
        };
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return refuse(pair[0].0, "must be stated once");
        }
        if let Some(&(peer, _)) = sorted.last().filter(|(peer, _)| *peer as usize >= self.peers()) {
            return refuse(peer, "must be below the number of peers");
        }
        let total: u64 = sorted.iter().map(|&(_, weight)| u64::from(weight)).sum();
        if total == 0 {
            let rule = "must be above 0";
            return Err(Invalid::new(Subject::Problem, "weight of all pre-trusted peers", 0, rule));
        }
        let part = |(peer, weight): (u32, u32)| (peer as usize, f64::from(weight) / total as f64);
        Ok(sorted.into_iter().map(part).collect())
    }
}

fn within(
    field: &'static str,
    value: f64,
    bounds: std::ops::RangeInclusive<f64>,
    rule: &'static str,
) -> Result<(), Invalid> {
    if bounds.contains(&value) {
        return Ok(());
    }
    Err(Invalid::new(Subject::Problem, field, value, rule))
}

#[cfg(test)]
mod laws;
