import ArgumentParser
import Job

/// The flags that say who computes.
struct ClusterOptions: ParsableArguments {
  @Option(help: "Parameter servers. Default: 2.")
  var servers: Int?

  @Option(help: "Workers. Default: 2.")
  var workers: Int?

  @Option(help: "Compute threads of a worker. Default: the machine's cores, shared by the workers of a local cluster.")
  var threads: Int?

  @Option(help: "Threads of a worker that read and encode. Default: 1.")
  var readers: Int?

  @Option(
    help: "sync: gradients are averaged over the global minibatch, bit for bit reproducibly. Default: sync.",
    transform: named)
  var consistency: Consistency?

  @Flag(help: "Read and compute in turn, to see what asynchronous reading is worth.")
  var syncReading = false

  @Option(help: "Seconds of silence after which a process counts as dead. Default: 20.")
  var timeout: Double?

  func override(_ job: inout JobConfiguration) {
    if let servers { job.servers = servers }
    if let workers { job.workers = workers }
    if let threads { job.threads = threads }
    if let readers { job.readers = readers }
    if let consistency { job.consistency = consistency }
    if syncReading { job.syncReading = true }
    if let timeout { job.timeout = timeout }
  }
}
