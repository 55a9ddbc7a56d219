// A job as a library. What settings, results and observers are made of comes with it:
//
//     var settings = Settings()
//     settings.data.train = ["clicks.txt"]
//     let trained = try Training(settings).run()
//     print(trained.parameterDigest)

@_exported import Checkpoint
@_exported import Coordinator
@_exported import DeepFM
@_exported import Features
@_exported import Job

@_exported import struct Checkpoint.EpochRecord
