//! Names of agents: who holds them, who finds them, and when they are gone.

#![expect(clippy::unwrap_used, reason = "in tests")]

#[path = "support/keeper.rs"]
mod keeper;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use foundation::registry::{Change, Metadata, Name, RegisterError};
use keeper::{Keeper, LONG, Put, Seen};
use mabeam::{
    Agent, AgentId, AnyAgent, Config, Context, Handler, LookupError, Message, Reason, Recipient,
    SpawnError, System,
};
use tokio::time::timeout;

fn system() -> System {
    System::new(Config::default()).unwrap()
}

fn ids(agents: &[AnyAgent]) -> Vec<AgentId> {
    agents.iter().map(AnyAgent::id).collect()
}

/// Looks others up.
#[derive(Debug)]
struct Guide(u8);

impl Agent for Guide {}

/// Answered with who holds a name, as one, and of whatever type; and with how many are in `space`.
struct Find(&'static str);

impl Message for Find {
    type Reply = (Result<AgentId, LookupError>, Option<AgentId>, usize);
}

impl Handler<Find> for Guide {
    async fn handle(
        &mut self,
        Find(name): Find,
        context: &mut Context<Self>,
    ) -> <Find as Message>::Reply {
        let keeper = context.lookup::<Keeper>(name).map(|keeper| keeper.id());
        let any = context.lookup_any(name).map(|agent| agent.id());
        (keeper, any, context.find("space", &[], 10).len())
    }
}

#[tokio::test]
async fn an_agent_is_found_by_its_name_by_systems_and_by_other_agents() {
    let system = system();
    let keeper = system.spawn(Keeper::default()).named("space/keeper").await.unwrap();
    assert_eq!(system.lookup::<Keeper>("space/keeper").unwrap(), keeper);
    assert_eq!(system.lookup_any("space/keeper").unwrap().id(), keeper.id());
    let guide = system.spawn(Guide(1)).await.unwrap();
    let found = guide.call(Find("space/keeper")).await.unwrap();
    assert_eq!(found, (Ok(keeper.id()), Some(keeper.id()), 1));
    let missing = LookupError::NotFound { name: "space/nobody".into() };
    assert_eq!(guide.call(Find("space/nobody")).await.unwrap(), (Err(missing), None, 1));
}

#[tokio::test]
async fn what_is_no_name_names_nobody() {
    let system = system();
    for text in ["", "/x", "a/", "a/b\n"] {
        let missing = system.lookup::<Keeper>(text).unwrap_err();
        assert_eq!(missing, LookupError::NotFound { name: text.into() });
        assert!(system.lookup_any(text).is_none());
        let refused = system.spawn(Guide(3)).named(text).await.unwrap_err();
        assert!(matches!(refused, SpawnError::Name { agent: Guide(3), .. }));
    }
    for text in ["a/b", "a\n"] {
        assert!(system.find(text, &[], 10).is_empty() && system.names_in(text).is_empty());
    }
}

#[tokio::test]
async fn a_name_that_is_taken_gives_the_agent_back_and_stays_with_its_holder() {
    let system = system();
    let holder = system.spawn(Guide(1)).named("space/one").await.unwrap();
    let refused = system.spawn(Guide(2)).named("space/one").await.unwrap_err();
    let SpawnError::Refused { agent: Guide(2), problem } = refused else { panic!("{refused}") };
    assert!(matches!(problem, RegisterError::Taken { .. }));
    assert_eq!(system.lookup::<Guide>("space/one").unwrap(), holder);
    assert_eq!(system.agents(), 1);
}

#[tokio::test]
async fn a_name_of_an_agent_of_another_type_is_told_apart_from_none() {
    let system = system();
    let guide = system.spawn(Guide(1)).named("space/guide").await.unwrap();
    let wrong = system.lookup::<Keeper>("space/guide").unwrap_err();
    let LookupError::WrongType { name, id, expected, found } = wrong else { panic!("{wrong}") };
    assert_eq!((name.as_str(), id), ("space/guide", guide.id()));
    assert!(expected.ends_with("Keeper") && found.ends_with("Guide"));
    let any = system.lookup_any("space/guide").unwrap();
    assert!(any.downcast::<Keeper>().is_none());
    assert_eq!(any.downcast::<Guide>().unwrap(), guide);
}

#[tokio::test]
async fn the_name_keeps_an_agent_alive_without_any_handle() {
    let system = system();
    let keeper = system.spawn(Keeper::default()).named("space/keeper").await.unwrap();
    keeper.cast(Put(1)).unwrap();
    drop(keeper);
    let found = system.lookup::<Keeper>("space/keeper").unwrap();
    assert_eq!(found.call(Seen).await.unwrap(), [1]);
    let recipient: Recipient<Put> = found.into();
    assert_eq!(recipient.call(Put(2)).await.unwrap(), 2);
}

#[tokio::test]
async fn whoever_has_the_down_finds_no_name_and_may_take_it() {
    let system = system();
    for kills in [false, true] {
        let agent = system.spawn(Guide(1)).named("space/one").await.unwrap();
        let of_agent = agent.monitor();
        let of_name = system.registry().monitor("space/one");
        if kills {
            agent.kill();
        } else {
            agent.stop(Reason::Shutdown);
        }
        for monitor in [of_agent, of_name] {
            timeout(LONG, monitor.down()).await.unwrap().unwrap();
            assert!(system.lookup_any("space/one").is_none());
            assert!(system.names_in("space").is_empty());
        }
    }
}

#[tokio::test]
async fn an_agent_whose_init_fails_leaves_its_name() {
    struct Refuses;
    impl Agent for Refuses {
        async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Reason> {
            Err(Reason::Failed("no".into()))
        }
    }
    let system = system();
    let mut watch = system.registry().watch();
    let failed = system.spawn(Refuses).named("space/one").await.unwrap_err();
    assert!(matches!(failed, SpawnError::Init { .. }));
    for _ in 0..2 {
        timeout(LONG, watch.next()).await.unwrap().unwrap();
    }
    assert!(system.lookup_any("space/one").is_none());
}

#[tokio::test]
async fn agents_are_found_by_their_properties_in_their_namespace() {
    let system = system();
    let spawn = async |name, properties: &[(&str, &str)]| {
        let metadata: Metadata = properties.iter().copied().collect();
        system.spawn(Guide(1)).named(name).properties(metadata).await.unwrap()
    };
    let reader = spawn("prod/reader", &[("vision", "yes"), ("model", "small")]).await;
    let writer = spawn("prod/writer", &[("vision", "no"), ("model", "small")]).await;
    let _other = spawn("test/reader", &[("vision", "yes"), ("model", "small")]).await;

    let small = [("model", "small")];
    assert_eq!(ids(&system.find("prod", &small, 10)), [reader.id(), writer.id()]);
    assert_eq!(ids(&system.find("prod", &small, 1)), [reader.id()]);
    let sees = [("model", "small"), ("vision", "yes")];
    assert_eq!(ids(&system.find("prod", &sees, 10)), [reader.id()]);
    assert!(system.find("prod", &[("model", "large")], 10).is_empty());
    assert!(system.find("else", &small, 10).is_empty());

    let mut names = system.names_in("prod");
    names.sort();
    assert_eq!(names, ["prod/reader", "prod/writer"].map(|name| Name::new(name).unwrap()));
    let monitor = reader.monitor();
    reader.kill();
    timeout(LONG, monitor.down()).await.unwrap().unwrap();
    assert_eq!(ids(&system.find("prod", &small, 10)), [writer.id()]);
}

#[tokio::test]
async fn names_can_be_watched_and_agents_can_join_groups() {
    let system = system();
    let mut watch = system.registry().watch();
    let agent = system.spawn(Guide(1)).named("space/one").await.unwrap();
    let change = timeout(LONG, watch.next()).await.unwrap().unwrap();
    assert!(matches!(change, Change::Registered { .. }), "{change:?}");
    let group = Name::new("groups/guides").unwrap();
    let place =
        system.registry().join(group.clone(), agent.any().downgrade(), Metadata::new()).unwrap();
    let members = system.registry().members(&group);
    assert_eq!(members.iter().map(|entry| entry.handle.id()).collect::<Vec<_>>(), [agent.id()]);
    drop(place);
    assert!(system.registry().members(&group).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_lookup_finds_an_agent_whose_down_was_delivered() {
    const ROUNDS: u64 = 500;
    let system = system();
    // The newest agent whose `Down` was delivered; ids grow.
    let gone = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let found = std::thread::scope(|scope| {
        let look = || {
            let mut found = 0_u64;
            while !is_over.load(Ordering::SeqCst) {
                let gone = gone.load(Ordering::SeqCst);
                if let Ok(agent) = system.lookup::<Guide>("space/one") {
                    assert!(agent.id().get() > gone, "{agent:?} was gone");
                    found += 1;
                }
            }
            found
        };
        let lookers = [(); 2].map(|()| scope.spawn(look));
        tokio::task::block_in_place(|| {
            system.block_on(async {
                for round in 0..ROUNDS {
                    let agent = system.spawn(Guide(1)).named("space/one").await.unwrap();
                    let monitor = agent.monitor();
                    if round % 2 == 0 {
                        agent.kill();
                    } else {
                        agent.stop(Reason::Normal);
                    }
                    timeout(LONG, monitor.down()).await.unwrap().unwrap();
                    gone.store(agent.id().get(), Ordering::SeqCst);
                }
            });
        });
        is_over.store(true, Ordering::SeqCst);
        lookers.map(|looker| looker.join().unwrap()).into_iter().sum::<u64>()
    });
    assert!(found > 0, "the lookups never met an agent");
    assert!(system.names_in("space").is_empty());
}
