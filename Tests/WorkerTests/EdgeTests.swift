import DeepFM
import Features
import Foundation
import Job
import Sharding
import Testing
import Wire
import Worker

/// The edge, with its sockets, threads and files, against a coordinator and servers that the test plays.
struct EdgeTests {
  /// The data named without a path: each worker knows where its own are.
  private func local(_ index: DatasetIndex) -> DatasetIndex {
    var index = index
    for file in index.files.indices { index.files[file].path = "" }
    return index
  }

  @Test("A worker reads, computes and scores files of its own, in two views, and stops with all its threads joined")
  func life() throws {
    try withData(rows: 1000) { file, index in
      let error = try EdgeCluster.run(files: [file]) { cluster in
        #expect(cluster.registration?.files == ["data.csv"])
        guard case .standing? = try cluster.order(.propose),
          case .surveyed(let survey)? = try cluster.order(
            .survey(SurveyOrder(train: ["*.csv"], valid: [], schema: dataSchema, badRows: .fail)))
        else {
          Issue.record("not surveyed")
          return
        }
        #expect(survey.train?.rows == 1000 && survey.valid == nil)
        for view: UInt32 in 2...3 {
          var assignment = try cluster.assignment(local(index), evaluates: true)
          assignment.readers = view == 2 ? 1 : 0
          try #require(try cluster.adopt(assignment, view: view))
          // Two leases of one epoch.
          cluster.samples = [:]
          for steps in [0..<UInt64(2), 2..<7] {
            guard case .trained? = try cluster.order(.train(Sample.leases(steps: steps)), view: view) else {
              Issue.record("not trained")
              return
            }
          }
          #expect(cluster.samples.count == 7 && cluster.samples.values.reduce(0, +) == 1000)
          cluster.scores = [:]
          guard case .done? = try cluster.order(.evaluate(round: 1, clock: 7), view: view) else {
            Issue.record("not evaluated")
            return
          }
          #expect(cluster.scores.values.reduce(0, +) == 1000)
          #expect(Set(cluster.scores.keys.map { $0[0] }) == Set(index.chunks.indices))
        }
        guard case .done? = try cluster.order(.stop, view: 3) else {
          Issue.record("not stopped")
          return
        }
      }
      #expect(error == nil)
    }
  }

  @Test("In mid-step another process takes a server's place, and the worker goes on there", arguments: [0, 2])
  func replacedServer(lag: Int) throws {
    try withData(rows: 1000) { file, index in
      let error = try EdgeCluster.run { cluster in
        var assignment = try cluster.assignment(index)
        assignment.staleness = [lag, lag]
        try #require(try cluster.adopt(assignment, view: 1))
        // The server stops answering in mid-lease, at step 3.
        cluster.heldClock = UInt64(3 - lag)
        #expect(try cluster.order(.train(Sample.leases(steps: 0..<7)), view: 1, seconds: 1) == nil)
        #expect(Set(cluster.samples.keys) == [0, 1, 2])

        assignment.servers = [cluster.seats[1]]
        try #require(try cluster.adopt(assignment, view: 2))
        cluster.heldClock = .max
        cluster.samples = [:]
        guard case .trained? = try cluster.order(.train(Sample.leases(steps: 3..<7)), view: 2) else {
          Issue.record("not trained")
          return
        }
        #expect(Set(cluster.samples.keys) == [3, 4, 5, 6] && cluster.samples.values.reduce(0, +) == 400)
        #expect(cluster.served == [6, 7])
        _ = try cluster.order(.stop, view: 2)
      }
      #expect(error == nil)
    }
  }

  @Test("A worker that comes when the data are known finds its own by their names", arguments: [false, true])
  func lateComer(isCompressed: Bool) throws {
    try withData(rows: 1000) { file, index in
      var index = local(index)
      var path = file
      if isCompressed {
        let gzip = try Process.run(URL(fileURLWithPath: "/usr/bin/gzip"), arguments: [file])
        gzip.waitUntilExit()
        path += ".gz"
        index.files[0].name = path
      }
      let other = URL(fileURLWithPath: path).deletingLastPathComponent().appending(path: "other.csv").path
      try "click,x,y\n1,a,b\n".write(toFile: other, atomically: true, encoding: .utf8)
      let error = try EdgeCluster.run(files: [other, path]) { cluster in
        for view: UInt32 in 1...2 {
          try #require(try cluster.adopt(try cluster.assignment(index), view: view))
          cluster.samples = [:]
          guard case .trained? = try cluster.order(.train(Sample.leases(steps: 1..<4)), view: view) else {
            Issue.record("not trained: \(cluster.failure ?? "no reason")")
            return
          }
          #expect(cluster.samples.values.reduce(0, +) == 600)
        }
        _ = try cluster.order(.stop, view: 2)
      }
      #expect(error == nil)
    }
  }

  @Test("A worker that has none of the data which it is to read ends, naming them")
  func missingData() throws {
    try withData(rows: 300) { file, index in
      let error = try EdgeCluster.run { cluster in
        try #require(try cluster.adopt(try cluster.assignment(local(index)), view: 1))
        #expect(try cluster.order(.train(Sample.leases(steps: 0..<2))) == nil)
      }
      #expect(error?.contains("data.csv") == true)
    }
  }

  @Test("Data that changed end the worker, and the coordinator hears which")
  func changedData() throws {
    try withData(rows: 300) { file, index in
      try "click,x,y\n1,a,b\n".write(toFile: file, atomically: true, encoding: .utf8)
      var heard: String?
      let error = try EdgeCluster.run { cluster in
        try #require(try cluster.adopt(try cluster.assignment(index), view: 1))
        let report = try cluster.order(.train(Sample.leases(steps: 0..<5)))
        if let report { Issue.record("\(report)") }
        heard = cluster.failure
      }
      #expect(error?.contains("data.csv") == true)
      #expect(error == heard)
    }
  }
}
