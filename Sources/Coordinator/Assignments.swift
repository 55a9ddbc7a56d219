import Job
import Sharding
import Wire

extension ModelPlan {
  /// What each member of a view is to be, as the order that tells it; servers first.
  ///
  /// - Parameters:
  ///   - places: all who take part.
  ///   - databases: by server, where it writes its slots; none where it never does.
  func assignments(of places: [Place], _ settings: Settings, databases: [String]) -> [(Member, Control)] {
    let servers = places.filter { $0.member?.role == .server }
    let workers = places.filter { $0.member?.role == .worker }
    let slots = SlotMap(servers: servers.count)
    let toServers = servers.compactMap(\.member).map { member in
      let database = databases.indices.contains(member.number) ? databases[member.number] : nil
      let assignment = ServerAssignment(
        server: member.number, slots: slots, tables: tables, slices: settings.optimization.slices,
        seed: settings.optimization.seed, epochSteps: data.epochSteps, workers: workers.map(\.incarnation),
        database: database, restore: restore)
      return (member, Control(ServerOrder.adopt(assignment)))
    }
    let endpoints = servers.map { $0.registration.endpoint ?? "" }
    let toWorkers = workers.compactMap(\.member).map { member in
      let slices = workerSlices[member.number]
      let assignment = WorkerAssignment(
        worker: member.number, servers: endpoints, slots: slots, model: model, batch: settings.optimization.batch,
        slices: settings.optimization.slices, ownedSlices: slices, seed: settings.optimization.seed,
        threads: settings.cluster.threads, readers: settings.data.syncReading ? 0 : settings.data.readers,
        clip: settings.optimization.clip, data: data.articles(forSlices: slices))
      return (member, Control(WorkerOrder.adopt(assignment)))
    }
    return toServers + toWorkers
  }
}
