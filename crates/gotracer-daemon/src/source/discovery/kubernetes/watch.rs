//! Watch of a Kubernetes API server: lists once, watches from there, and lists
//! again after 410 Gone.
//!
//! Targets are sent only after every list is complete: a server that restarts
//! must not remove targets.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt, select_all};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Container, Node, Pod, PodSpec, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::{ObjectRef, Store, store};
use kube::runtime::watcher::{self, Error, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::super::group::Group;
use super::super::refresh::{DiscoveryError, Update};
use super::endpointslice::Backing;
use super::{KubernetesSd, Role, endpointslice, node, pod, service};
use crate::cause::deepest;

/// Time for which changes are batched: a rollout consists of many.
const PAUSE: Duration = Duration::from_secs(2);
/// Interval of updates without changes.
const STILL: Duration = Duration::from_secs(60);
/// Time of errors only, after which certificates are read again.
const RENEW: Duration = Duration::from_secs(120);
/// Pause after a client could not be created.
const AGAIN: Duration = Duration::from_secs(15);
/// HTTP status of a watch whose resource version has expired.
const GONE: u16 = 410;

/// Known objects, with a store per watched namespace.
#[derive(Default)]
struct Known {
    pods: Vec<Store<Pod>>,
    services: Vec<Store<Service>>,
    slices: Vec<Store<EndpointSlice>>,
    nodes: Vec<Store<Node>>,
}

/// Event of a watch.
enum Step {
    /// An item of an incomplete list.
    Part,
    /// The end of a list.
    Whole,
    /// A changed object.
    Change,
}

type Steps = BoxStream<'static, Result<Step, Error>>;

impl KubernetesSd {
    /// Sends all targets whenever one changes.
    pub(super) async fn run(&self, updates: Sender<Update>) {
        loop {
            let pause = match self.watch(&updates).await {
                Ok(()) => PAUSE,
                Err(error) => {
                    let _ = updates.send(Update::failed(error)).await;
                    AGAIN
                }
            };
            sleep(pause).await;
        }
    }

    /// Follows the objects until the client has to be created again.
    async fn watch(&self, updates: &Sender<Update>) -> Result<(), DiscoveryError> {
        let config = self.config().await;
        let config = config.map_err(|why| DiscoveryError::new("kubernetes", why))?;
        let from = config.cluster_url.to_string();
        let failed =
            |error: &(dyn std::error::Error + 'static)| DiscoveryError::new(&from, deepest(error));
        let namespaces = self.within(&config.default_namespace);
        let client = Client::try_from(config).map_err(|e| failed(&e))?;
        let (known, watches) = self.begin(&client, &namespaces);
        let mut partial: HashSet<usize> = (0..watches.len()).collect();
        let numbered = |(i, steps): (usize, Steps)| steps.map(move |step| (i, step)).boxed();
        let mut steps = select_all(watches.into_iter().enumerate().map(numbered));
        let mut still = interval(STILL);
        still.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Time of the next update, and start of a series of errors.
        let (mut due, mut failing) = (None, None::<Instant>);
        let mut errors = 0;
        loop {
            let whole = partial.is_empty();
            tokio::select! {
                Some((i, step)) = steps.next() => match step {
                    Ok(Step::Part) => {}
                    Ok(step) => {
                        failing = None;
                        let first = matches!(step, Step::Whole) && partial.remove(&i);
                        let pause = if first { Duration::ZERO } else { PAUSE };
                        due.get_or_insert_with(|| Instant::now() + pause);
                    }
                    // The watcher lists again itself, except if the watch could
                    // not start.
                    Err(Error::WatchError(status)) if status.code == GONE => {}
                    Err(Error::WatchStartFailed(kube::Error::Api(status)))
                        if status.code == GONE => return Ok(()),
                    Err(error) => {
                        errors += 1;
                        let _ = updates.send(Update::failed(failed(&error))).await;
                        if failing.get_or_insert_with(Instant::now).elapsed() > RENEW {
                            return Ok(());
                        }
                    }
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if whole && due.is_some() => {
                    due = None;
                    let _ = updates.send(Update::found(self.targets(&known))).await;
                }
                // A healthy watch without changes has no events.
                _ = still.tick(), if whole => {
                    if std::mem::take(&mut errors) == 0 {
                        failing = None;
                        due.get_or_insert_with(Instant::now);
                    }
                }
            }
        }
    }

    /// Starts the watches that the role needs.
    fn begin(&self, client: &Client, namespaces: &[Option<String>]) -> (Known, Vec<Steps>) {
        let (mut known, mut steps) = (Known::default(), Vec::new());
        for role in self.role.needs() {
            let which = self.selected(*role);
            match role {
                Role::Pod => {
                    known.pods = follow(apis(client, namespaces), &which, slim_pod, &mut steps);
                }
                Role::Service => {
                    known.services = follow(apis(client, namespaces), &which, slim, &mut steps);
                }
                Role::EndpointSlice => {
                    known.slices = follow(apis(client, namespaces), &which, slim, &mut steps);
                }
                // Nodes have no namespace.
                Role::Node => {
                    let all = vec![Api::all(client.clone())];
                    known.nodes = follow(all, &which, slim_node, &mut steps);
                }
            }
        }
        (known, steps)
    }

    /// Returns the selectors of a role.
    fn selected(&self, role: Role) -> watcher::Config {
        let own = self.selectors.iter().find(|s| s.role == role);
        let part = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        watcher::Config {
            label_selector: own.and_then(|s| part(&s.label)),
            field_selector: own.and_then(|s| part(&s.field)),
            ..watcher::Config::default()
        }
    }

    /// Returns all known targets.
    fn targets(&self, known: &Known) -> Vec<Group> {
        let backing = Backing {
            pod: &|namespace, name| find(&known.pods, namespace, name),
            service: &|namespace, name| find(&known.services, namespace, name),
        };
        match self.role {
            Role::Pod => state(&known.pods).flat_map(|p| pod::targets(&p)).collect(),
            Role::Service => state(&known.services)
                .flat_map(|s| service::targets(&s))
                .collect(),
            Role::EndpointSlice => state(&known.slices)
                .flat_map(|s| endpointslice::targets(&s, &backing))
                .collect(),
            Role::Node => state(&known.nodes)
                .filter_map(|n| node::target(&n))
                .collect(),
        }
    }
}

/// Returns an API client per namespace.
fn apis<K>(client: &Client, namespaces: &[Option<String>]) -> Vec<Api<K>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let api = |namespace: &Option<String>| match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    namespaces.iter().map(api).collect()
}

/// Starts a watch with a store per API client. `slim` removes unused fields from
/// the objects.
fn follow<K>(
    apis: Vec<Api<K>>,
    which: &watcher::Config,
    slim: fn(&mut K),
    steps: &mut Vec<Steps>,
) -> Vec<Store<K>>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let mut stores = Vec::new();
    for api in apis {
        let (reader, writer) = store();
        stores.push(reader);
        let events = watcher(api, which.clone()).default_backoff();
        let events = events.modify(slim).reflect(writer);
        let step = |event: Result<Event<K>, Error>| {
            event.map(|event| match event {
                Event::Init | Event::InitApply(_) => Step::Part,
                Event::InitDone => Step::Whole,
                Event::Apply(_) | Event::Delete(_) => Step::Change,
            })
        };
        steps.push(events.map(step).boxed());
    }
    stores
}

fn state<K>(stores: &[Store<K>]) -> impl Iterator<Item = Arc<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    stores.iter().flat_map(Store::state)
}

fn find<K>(stores: &[Store<K>], namespace: &str, name: &str) -> Option<Arc<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let key = ObjectRef::new(name).within(namespace);
    stores.iter().find_map(|store| store.get(&key))
}

fn slim<K: Resource>(object: &mut K) {
    object.managed_fields_mut().clear();
}

/// Removes the unused fields of a pod, most of its size.
fn slim_pod(pod: &mut Pod) {
    slim(pod);
    let slim = |container: &mut Container| {
        *container = Container {
            name: std::mem::take(&mut container.name),
            image: container.image.take(),
            ports: container.ports.take(),
            ..Container::default()
        };
    };
    if let Some(spec) = &mut pod.spec {
        spec.containers.iter_mut().for_each(slim);
        spec.init_containers.iter_mut().flatten().for_each(slim);
        *spec = PodSpec {
            containers: std::mem::take(&mut spec.containers),
            init_containers: spec.init_containers.take(),
            node_name: spec.node_name.take(),
            ..PodSpec::default()
        };
    }
}

/// Removes the names of images, most of a node's size.
fn slim_node(node: &mut Node) {
    slim(node);
    if let Some(status) = &mut node.status {
        status.images = None;
    }
}
