import FoundationEssentials
import Fuzzing
import Rig
import Testing

@testable import EtcdState
@testable import VolumeCore

/// Records that somebody else than the plugin has written.
@Suite struct ForgedRecordTests {
    private func read<Record: CheckedRecord>(_ type: Record.Type, _ value: JSONValue, under name: String) throws
        -> Record
    {
        try RecordCodec.decode(type, from: Array(try JSONEncoder().encode(value)), key: "p/any/\(name)")
    }

    @Test("E1: a volume's record passes the checks of the options, or is not read", arguments: ForgedRecords.ofVolumes)
    func e1AForgedVolumeIsNotRead(_ forged: ForgedRecords.Field) throws {
        let good = forged.isOfUnfinished ? ForgedRecords.unfinished : ForgedRecords.ready
        #expect(throws: Never.self) { try read(VolumeRecord.self, good, under: "db") }
        let bad = good.replacing(forged.path, with: forged.value)
        #expect(bad != good)
        let error = #expect(throws: VolumeError.self) { try read(VolumeRecord.self, bad, under: "db") }
        #expect(error?.code == .unexplained && error?.outcome == .refused)
        #expect(error?.description.contains("p/any/db") == true)
        #expect(error?.why.contains(forged.named) == true, "\(error?.why ?? "-")")
    }

    @Test(
        "E1: a mount's record names only what can be a device, a mountpoint, a node", arguments: ForgedRecords.ofMounts)
    func e1AForgedMountIsNotRead(_ forged: ForgedRecords.Field) throws {
        let good = ForgedRecords.mount
        #expect(throws: Never.self) { try read(VolumeCore.Attachment.self, good, under: "db") }
        let bad = good.replacing(forged.path, with: forged.value)
        #expect(bad != good)
        let error = #expect(throws: VolumeError.self) {
            try read(VolumeCore.Attachment.self, bad, under: "db")
        }
        #expect(error?.code == .unexplained && error?.outcome == .refused)
        #expect(error?.why.contains(forged.named) == true, "\(error?.why ?? "-")")
    }

    @Test("E1: a record is read under the key of its own name alone")
    func e1ARecordIsReadUnderItsName() throws {
        #expect(throws: Never.self) { try read(VolumeRecord.self, ForgedRecords.ready, under: "db") }
        for other in ["other", "mydb", "db2"] {
            let error = #expect(throws: VolumeError.self) {
                try read(VolumeRecord.self, ForgedRecords.ready, under: other)
            }
            #expect(error?.why.contains("'db'") == true)
        }
        let node: JSONValue = ["schema": 1, "node": "a", "boot": "b", "since": "", "version": "1"]
        #expect(throws: Never.self) { try read(NodeRecord.self, node, under: "a") }
        #expect(throws: VolumeError.self) { try read(NodeRecord.self, node, under: "b") }
    }

    @Test(
        "E1: a volume that is ready stays readable with what was accepted when it was made",
        arguments: ForgedRecords.onceAccepted)
    func e1AnOlderVolumeStaysReadable(_ field: ForgedRecords.Field) throws {
        let record = try read(
            VolumeRecord.self, ForgedRecords.ready.replacing(field.path, with: field.value), under: "db")
        #expect(record.phase == .ready)
        // A node that has it mounted writes it again.
        #expect(throws: Never.self) { try RecordCodec.encode(record, write: "w") }
    }

    @Test("E1: an adopted volume has the size and the features of its image")
    func e1AnAdoptedVolumeIsAsItsImage() throws {
        let adopted = ForgedRecords.ready.replacing("adopted", with: true)
            .replacing("spec.size", with: 1_000_001).replacing("spec.features", with: ["striping", "bit-40"])
        #expect(try read(VolumeRecord.self, adopted, under: "db").spec.size.bytes == 1_000_001)
        for size: JSONValue in [0, .number(9.3e18)] {
            #expect(throws: VolumeError.self) {
                try read(VolumeRecord.self, adopted.replacing("spec.size", with: size), under: "db")
            }
        }
    }

    @Test("E1: nothing is written that could not be read back")
    func e1WhatCannotBeReadIsNotWritten() throws {
        var record = try read(VolumeRecord.self, ForgedRecords.ready, under: "db")
        record.spec.mountOptions = ["noatime,errors=panic"]
        #expect(throws: VolumeError.self) { try RecordCodec.encode(record, write: "w") }
    }

    // MARK: Random records

    /// Each seed says which record is changed, how, and where: what fails is printed with it.
    @Test("E1: whatever is written under a key, it is refused, or could have been asked for by options")
    func e1RandomRecords() throws {
        var (read, refused) = (0, 0)
        for seed in 1...20_000 as ClosedRange<UInt64> {
            var random = SeededGenerator(state: seed)
            let base = [ForgedRecords.ready, ForgedRecords.unfinished].randomElement(using: &random) ?? .null
            let bytes = try base.forged(&random)
            do {
                let record = try RecordCodec.decode(VolumeRecord.self, from: bytes, key: "volumes/db")
                read += 1
                try expectPossible(record, seed)
                let again = try RecordCodec.encode(record, write: "w")
                #expect(
                    try RecordCodec.decode(VolumeRecord.self, from: again, key: "volumes/db") == record, "seed \(seed)")
            } catch let error as VolumeError {
                refused += 1
                #expect(error.description.contains("volumes/db"), "seed \(seed): \(error)")
            }
        }
        // Both happen, or nothing was tried.
        #expect(read > 500 && refused > 500, "\(read) were read, \(refused) refused")
    }

    @Test("E1: whatever is written of a mount, it is refused, or has paths and counts that can be")
    func e1RandomMounts() throws {
        var (read, refused) = (0, 0)
        for seed in 1...20_000 as ClosedRange<UInt64> {
            var random = SeededGenerator(state: seed)
            let bytes = try ForgedRecords.mount.forged(&random)
            do {
                let record = try RecordCodec.decode(VolumeCore.Attachment.self, from: bytes, key: "mounts/db")
                read += 1
                expectPossible(record, seed)
                // The driver counts up, and names the next epoch.
                _ = try RecordCodec.encode(record.counting("x").counting("0a1b"), write: "w")
                _ = record.epoch.next
            } catch {
                refused += 1
                #expect(!error.why.isEmpty, "seed \(seed)")
            }
        }
        #expect(read > 500 && refused > 500, "\(read) were read, \(refused) refused")
    }

    /// The options of `docker volume create` that would make this volume are accepted.
    private func expectPossible(_ record: VolumeRecord, _ seed: UInt64) throws {
        let spec = record.spec
        #expect(record.name.text == "db" && Int64(exactly: spec.size.bytes) != nil, "seed \(seed)")
        let ids = [record.uid] + record.abandoned + [record.imageID, record.attempt?.token].compactMap(\.self)
        for id in ids { #expect(!id.contains { "/@. ".contains($0) } && !id.isEmpty, "seed \(seed): \(id)") }
        let words = spec.mkfsOptions + spec.mountOptions + spec.mapOptions
        #expect(words.allSatisfy { !$0.isEmpty && !$0.contains { $0 == " " || $0 == "\n" } }, "seed \(seed)")
        #expect((spec.mkfsOptions + spec.mountOptions).allSatisfy { !$0.contains("/") }, "seed \(seed)")
        guard record.phase == .creating, !record.adopted else { return }
        var options = [
            "pool": spec.pool, "namespace": spec.namespace, "size": "\(spec.size)", "order": "\(spec.order)",
            "fstype": spec.filesystem.rawValue, "features": spec.features.names.joined(separator: ","),
            "mkfs-options": spec.mkfsOptions.joined(separator: " "),
            "mount-options": spec.mountOptions.joined(separator: ","),
            "map-options": spec.mapOptions.joined(separator: ","),
        ]
        options["data-pool"] = spec.dataPool.isEmpty ? nil : spec.dataPool
        options["stripe-unit"] = spec.stripeUnit.map { "\($0)" }
        options["stripe-count"] = spec.stripeCount.map { "\($0)" }
        options["uid"] = spec.uid.map { "\($0)" }
        options["gid"] = spec.gid.map { "\($0)" }
        options["mode"] = spec.mode.map { String($0, radix: 8) }
        // Fields that no version knows are kept, and nothing is done by them.
        var known = spec
        known.unknown = UnknownFields()
        #expect(try VolumeRequest(options: options, defaults: VolumeDefaults()).spec == known, "seed \(seed)")
    }

    private func expectPossible(_ record: VolumeCore.Attachment, _ seed: UInt64) {
        for path in [record.device, record.mountpoint].compactMap(\.self) {
            #expect(path.hasPrefix("/") && !path.split(separator: "/").contains(".."), "seed \(seed): \(path)")
        }
        #expect(record.device?.hasPrefix("/dev/") != false, "seed \(seed)")
        #expect(Int64(exactly: record.epoch.number) != nil, "seed \(seed)")
        #expect(record.mountIDs.values.allSatisfy { $0 > 0 }, "seed \(seed)")
    }
}
