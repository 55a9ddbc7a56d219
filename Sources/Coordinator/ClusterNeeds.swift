import Job
import Wire

/// How many processes a run needs, and takes.
public struct ClusterNeeds: Hashable, Sendable {
  /// With which it begins.
  public var servers: Int
  public var workers: Int
  /// nil: as many as come.
  public var mostWorkers: Int?
  public var replicas: Int
  public var waitForData: Seconds
  /// Whether slices of workers that are late are computed by others too.
  public var speculates: Bool

  public init(
    servers: Int, workers: Int, mostWorkers: Int? = nil, replicas: Int = 0, waitForData: Seconds = 600,
    speculates: Bool = false
  ) {
    self.servers = servers
    self.workers = workers
    self.mostWorkers = mostWorkers
    self.replicas = replicas
    self.waitForData = waitForData
    self.speculates = speculates
  }

  public init(_ settings: ClusterSettings) {
    self.init(
      servers: settings.servers, workers: settings.workers, mostWorkers: settings.mostWorkers,
      replicas: settings.replicas, waitForData: settings.waitForData, speculates: settings.speculate)
  }
}
