import DeepFM
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Serving
import Synchronization

/// Answers HTTP requests for click probabilities: POST /predict; GET /model, /health, /metrics.
public final class PredictionService: Sendable {
  private let desk: Desk
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
    _ model: ScoringModel, version: String, host: String, port: Int, threads: Int,
    limits: ServiceLimits = ServiceLimits()
  ) throws {
    let desk = Desk(.init(model: model, version: version), threads: threads, limits)
    self.desk = desk
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let open = OpenConnections(most: limits.connections)
    self.open = open
    do {
      channel = try ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 1024)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
        .childChannelInitializer { channel in
          guard open.add(channel) else { return channel.close() }
          return channel.eventLoop.makeCompletedFuture {
            let handlers = channel.pipeline.syncOperations
            try handlers.configureHTTPServerPipeline(withErrorHandling: true)
            try handlers.addHandler(RequestHandler(desk))
          }
        }
        .bind(host: host, port: port).wait()
    } catch {
      desk.pool.end()
      try? group.syncShutdownGracefully()
      throw ServiceError(
        description: "cannot listen on \(host):\(port): \(error). Is another process there? Choose another --listen.")
    }
  }

  /// Where it listens.
  public var port: Int { channel.localAddress?.port ?? 0 }

  /// Serves another model from now on; requests that are being answered are answered with the one before.
  public func serve(_ model: ScoringModel, version: String) {
    desk.pool.serve(.init(model: model, version: version))
    desk.metrics.noteSwap(failed: false)
  }

  /// A newer model could not be read: the one that is served stays.
  public func noteFailedSwap() { desk.metrics.noteSwap(failed: true) }

  /// Takes no connections any more, answers what was asked, and ends.
  ///
  /// - Parameter seconds: that connections may take to end.
  public func end(within seconds: Double = 10) {
    try? channel.close().wait()
    open.quiesce()
    let deadline = Date(timeIntervalSinceNow: seconds)
    while open.count > 0, Date() < deadline { Thread.sleep(forTimeInterval: 0.01) }
    desk.pool.end()
    try? group.syncShutdownGracefully()
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
