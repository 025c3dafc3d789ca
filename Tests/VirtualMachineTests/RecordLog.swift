import Rig

/// What stands in a file that writers appended numbered, checksummed records to, one after the other.
///
/// A record is a line of 256 bytes: the writer's name, the record's number, random digits, and the SHA-256 of all that.
/// 256 divides the page's size, so that a record is never on disk by half.
struct RecordLog {
    struct Record: Equatable {
        var writer: String
        var number: Int
        var checksum: String
    }

    let records: [Record]

    /// - Parameter sums: the checksum of each line's first 190 bytes, as sha256sum finds it.
    /// - Throws: ``RigFailure`` naming the first line that is no whole record.
    init(_ text: String, sums: [String]) throws {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard text.isEmpty || text.hasSuffix("\n") else { throw RigFailure("the last record is not whole") }
        guard lines.count == sums.count else {
            throw RigFailure("\(lines.count) records, and \(sums.count) checksums")
        }
        records = try zip(lines, sums).enumerated().map { index, pair in
            let words = pair.0.split(separator: " ")
            guard pair.0.utf8.count == 255, words.count == 4, let number = Int(words[1]), words[3] == pair.1 else {
                throw RigFailure("record \(index) is damaged: \(pair.0)")
            }
            return Record(writer: String(words[0]), number: number, checksum: pair.1)
        }
    }

    /// What one writer was told to be safe on disk, in the order of its turn.
    struct Acknowledged {
        var writer: String
        var checksums: [String]
        /// Records that may be there beyond these: written, and their writer stopped before it could say so.
        var unheard: Int
    }

    /// The file holds every acknowledged record of each writer, each at its place, and nothing else.
    /// - Throws: ``RigFailure`` that says what is missing or too much.
    func expect(_ writers: [Acknowledged]) throws {
        var rest = records[...]
        for writer in writers {
            let own = rest.prefix { $0.writer == writer.writer }
            rest = rest.dropFirst(own.count)
            for (index, record) in own.enumerated() where record.number != index + 1 {
                throw RigFailure("record \(index + 1) of \(writer.writer) has the number \(record.number)")
            }
            guard own.prefix(writer.checksums.count).map(\.checksum) == writer.checksums else {
                throw RigFailure(
                    "of \(writer.checksums.count) acknowledged records of \(writer.writer), \(own.count) are there")
            }
            guard own.count <= writer.checksums.count + writer.unheard else {
                throw RigFailure("\(writer.writer) has \(own.count) records, and was told of \(writer.checksums.count)")
            }
        }
        guard rest.isEmpty else { throw RigFailure("\(rest.count) records are nobody's, or in the wrong place") }
    }
}
