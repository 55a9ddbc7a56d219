import ArgumentParser
import Job

/// The flags that say who computes.
struct ClusterOptions: ParsableArguments {
  @Option(help: .init("Parameter servers.", default: \.cluster.servers))
  var servers: Int?

  @Option(help: .init("Workers.", default: \.cluster.workers))
  var workers: Int?

  @Option(
    help: .init(
      "Compute threads of a worker.", default: \.cluster.threads,
      "the machine's cores, shared by the workers of a local cluster"))
  var threads: Int?

  @Option(
    help: .init(
      "sync: gradients are averaged over the global minibatch, bit for bit reproducibly.",
      default: \.cluster.consistency), transform: named)
  var consistency: Consistency?

  @Option(help: .init("Seconds of silence after which a process counts as dead.", default: \.cluster.timeout))
  var timeout: Double?

  @Option(help: .hidden, transform: named)
  var wire: Precision?

  func override(_ settings: inout ClusterSettings) {
    if let servers { settings.servers = servers }
    if let workers { settings.workers = workers }
    if let threads { settings.threads = threads }
    if let consistency { settings.consistency = consistency }
    if let timeout { settings.timeout = timeout }
    if let wire { settings.wire = wire }
  }
}
