import DeepFM
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Serving
import Synchronization

/// Answers HTTP requests for click probabilities: POST /predict; GET /model, /health, /metrics.
public final class PredictionService: Sendable {
  /// What a request may ask for.
  public struct Limits: Sendable {
    public var bytes = 8 << 20
    public var rows = 10_000
    /// Seconds that a connection may be idle, or take to send a request.
    public var idle = 60.0
    public var connections = 4096

    public init() {}
  }

  let limits: Limits
  let pool: ScoringPool
  let metrics = ServiceMetrics()
  private let group: MultiThreadedEventLoopGroup
  private let channel: any Channel
  private let open: OpenConnections

  /// Begins to serve.
  ///
  /// - Parameters:
  ///   - version: the model's, by name.
  ///   - port: 0 takes a free one.
  ///   - threads: that score.
  /// - Throws: `ServiceError` where it cannot listen there.
  public init(
    _ model: ScoringModel, version: String, host: String, port: Int, threads: Int, limits: Limits = Limits()
  ) throws {
    self.limits = limits
    pool = ScoringPool(.init(model: model, version: version), threads: threads, mostRows: limits.rows)
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let open = OpenConnections(most: limits.connections)
    self.open = open
    let box = ServiceBox()
    let idle = TimeAmount.nanoseconds(Int64(limits.idle * 1e9))
    do {
      channel = try ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 1024)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
        .childChannelInitializer { channel in
          guard let service = box.service, open.add(channel) else { return channel.close() }
          return channel.eventLoop.makeCompletedFuture {
            let handlers = channel.pipeline.syncOperations
            try handlers.addHandler(IdleStateHandler(allTimeout: idle))
            try handlers.configureHTTPServerPipeline(withErrorHandling: true)
            try handlers.addHandler(RequestHandler(service))
          }
        }
        .bind(host: host, port: port).wait()
    } catch {
      pool.end()
      try? group.syncShutdownGracefully()
      throw ServiceError(
        description: "cannot listen on \(host):\(port): \(error). Is another process there? Choose another --listen.")
    }
    box.service = self
  }

  /// Where it listens.
  public var port: Int { channel.localAddress?.port ?? 0 }

  /// Serves another model from now on; requests that are being answered are answered with the one before.
  public func serve(_ model: ScoringModel, version: String) {
    pool.serve(.init(model: model, version: version))
    metrics.noteSwap(failed: false)
  }

  /// A newer model could not be read: the one that is served stays.
  public func noteFailedSwap() { metrics.noteSwap(failed: true) }

  /// Takes no connections any more, answers what was asked, and ends.
  ///
  /// - Parameter seconds: that connections may take to end.
  public func end(within seconds: Double = 10) {
    try? channel.close().wait()
    open.quiesce()
    let deadline = Date(timeIntervalSinceNow: seconds)
    while open.count > 0, Date() < deadline { Thread.sleep(forTimeInterval: 0.01) }
    pool.end()
    try? group.syncShutdownGracefully()
  }

  var metricsText: String {
    let served = pool.served
    return metrics.text(waiting: pool.waiting, features: served.model.features, version: served.version)
  }

  /// The model that is served, as JSON.
  var description: String {
    struct Description: Encodable {
      let model: String
      let version: String
      let origin: [String: String]
      let features: Int
      let bytes: Int
      let fields: [String]
      let columns: [String]
    }
    let served = pool.served
    let model = served.model
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let description = Description(
      model: model.configuration.model.rawValue, version: served.version, origin: model.origin,
      features: model.features, bytes: model.bytes, fields: model.encoding.fieldNames,
      columns: model.encoding.columns)
    return (try? encoder.encode(description)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}

/// The service, once it is there: connections may come before.
private final class ServiceBox: Sendable {
  private let held = Mutex<PredictionService?>(nil)

  var service: PredictionService? {
    get { held.withLock { $0 } }
    set { held.withLock { $0 = newValue } }
  }
}

/// Connections that are open.
private final class OpenConnections: Sendable {
  private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])
  private let most: Int

  init(most: Int) { self.most = most }

  var count: Int { channels.withLock { $0.count } }

  /// - Returns: whether there was room.
  func add(_ channel: any Channel) -> Bool {
    let key = ObjectIdentifier(channel)
    let hasRoom = channels.withLock { channels in
      guard channels.count < most else { return false }
      channels[key] = channel
      return true
    }
    if hasRoom {
      channel.closeFuture.whenComplete { [self] _ in channels.withLock { _ = $0.removeValue(forKey: key) } }
    }
    return hasRoom
  }

  /// Has each end once it has answered.
  func quiesce() {
    for channel in channels.withLock({ Array($0.values) }) {
      channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
  }
}

/// A service that cannot begin.
public struct ServiceError: Error, CustomStringConvertible {
  public let description: String
}
