import DeepFM
import Foundation
import Serving

/// What requests of all connections are answered with.
final class Desk: Sendable {
  let limits: ServiceLimits
  let pool: ScoringPool
  let metrics = ServiceMetrics()

  init(_ served: ScoringPool.Served, threads: Int, _ limits: ServiceLimits) {
    self.limits = limits
    pool = ScoringPool(served, threads: threads, mostRows: limits.rows)
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
