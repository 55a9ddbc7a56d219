import DeepFM
import Features
import Foundation
import Job
import Sharding
import Wire

@testable import ParamServer
@testable import Worker

/// The same training in one process without sockets: one worker's core with its threads and one server's core, which
/// hand each other their messages. What the cluster loses against it is the price of distribution.
enum OneProcess {
  /// Samples per second over one epoch with the tool's defaults, compute threads on all cores.
  static func run(_ file: String) throws -> Double {
    let model = try makeModel(ModelConfiguration(fields: 39))
    let index = try DatasetIndex.build([file], schema: Schema(format: .criteo), ReadingOptions(spool: "/nonexistent"))
    let slots = SlotMap(servers: 1)
    let partitions = Partition.deal(index, slices: 8, seed: 1)
    let assignment = WorkerAssignment(
      worker: 0, view: 1, servers: ["here"], slots: slots, model: model.configuration, batch: 4096, slices: 8,
      ownedSlices: Array(0..<8), seed: 1, threads: 0, readers: 1, encoding: index.encoding, train: partitions,
      evaluation: nil)
    let blocks = DenseBlocks(count: model.dense.count, slots: slots)
    let waker = try Waker()
    let pool = ComputePool(assignment, model: model, blocks: blocks, waker: waker)
    let reader = InputReader(assignment, waker: waker)
    defer {
      reader.stop()
      pool.stop()
    }
    var worker = WorkerCore(
      assignment, model: model, blocks: blocks, threads: pool.threads, pushesPerStep: pool.pushesPerStep)
    var server = try ServerCore(
      ServerAssignment(
        server: 0, view: 1, slots: slots, tables: ParameterTables.describe(model, Settings(), totalSteps: 0),
        slices: 8,
        seed: 1, database: nil))
    let peer = Socket.Peer(bytes: [0])
    var isDone = false

    func perform(_ effects: [WorkerCore.Effect]) throws {
      for effect in effects {
        switch effect {
        case .send(let message, _):
          for case .send(let answer, _) in server.receive(message, from: peer) {
            try perform(worker.receive(answer, from: 0))
          }
        case .compute(let work): pool.compute(work)
        case .read(let order): reader.read(order)
        case .recycle(let work): reader.recycle(work)
        case .report(.epochDone): isDone = true
        case .report, .scores: break
        }
      }
    }

    let steps = partitions.stepsPerEpoch(sliceRows: assignment.sliceRows)
    let time = try seconds {
      try perform(worker.receive(.train(epoch: 1, firstStep: 0, steps: steps), at: 0))
      var poller = Poller([], waker: waker)
      while !isDone {
        while let result = pool.next() { try perform(worker.finish(result, at: 0)) }
        while worker.wantsInput, let work = try reader.next() { try perform(worker.begin(work, at: 0)) }
        if !isDone { try poller.wait(milliseconds: 10) }
        waker.clear()
      }
    }
    return Double(index.rows) / time
  }
}
