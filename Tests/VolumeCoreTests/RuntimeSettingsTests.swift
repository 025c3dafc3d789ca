import FoundationEssentials
import Testing

@testable import VolumeCore

@Suite struct RuntimeSettingsTests {
    @Test(
        "each value is written down in one way",
        arguments: [
            ("iops", "0500", "500"), ("iops", "NONE", "none"), ("iops", "off", "none"),
            ("write-bps", "20971520", "20M"),
            ("write-bps", "20MiB", "20M"), ("bps", "65537", "65537"), ("read-bps", "1g", "1G"),
            ("autogrow.at", "85", "85%"), ("autogrow.at", "none", "off"), ("autogrow.by", "10g", "10G"),
            ("autogrow.by", "20%", "20%"), ("autogrow.max", "200g", "200G"), ("discard", "Daily", "daily"),
            ("discard", "none", "off"), ("snapshots", "true", "on"), ("snapshots", "None", "off"),
            ("snapshots.frequency", "90m", "90m"), ("snapshots.frequency", "1h30m", "90m"),
            ("snapshots.frequency", "3600s", "1h"), ("snapshots.frequency", "14d", "2w"),
            ("snapshots.frequency", "1Y", "1y"), ("snapshots.frequency", "off", "none"),
            ("snapshots.frequency", "5s", "5s"), ("snapshots.frequency", "30m0s", "30m"),
            ("snapshots.keep", "020", "20"), ("snapshots.keep", "12m,24H, 7d,4w", "24h,7d,4w,12m"),
            ("snapshots.keep", "450", "450"), ("snapshots.keep", "0h,3d", "3d"),
        ])
    func canonical(_ name: String, _ text: String, _ written: String) throws {
        let option = try #require(RuntimeOption(name: name))
        var settings = RuntimeSettings()
        try settings.set(option, text)
        #expect(settings[option] == written)
        let before = settings
        try settings.set(option, written)
        #expect(settings == before)
    }

    @Test(
        "a value that cannot be is refused with the option, the value and what is accepted",
        arguments: [
            ("iops", "0"), ("iops", "-1"), ("iops", "1"), ("iops", "10.5"), ("iops", ""), ("iops", "1000000001"),
            ("iops", "99999999999999999999"), ("bps", "1"), ("bps", "0"), ("bps", "64"), ("bps", "20X"), ("bps", "M"),
            ("bps", "9999999999G"), ("autogrow.at", "100%"), ("autogrow.at", "5"), ("autogrow.at", "%"),
            ("autogrow.by", "0%"), ("autogrow.by", "none"), ("autogrow.by", "1001%"), ("autogrow.max", "0"),
            ("discard", "hourly"), ("discard", "true"), ("snapshots", "30m"), ("snapshots.frequency", "4s"),
            ("snapshots.frequency", "0"), ("snapshots.frequency", "30"), ("snapshots.frequency", "11y"),
            ("snapshots.frequency", "1h30"), ("snapshots.frequency", "h"), ("snapshots.frequency", ""),
            ("snapshots.frequency", "99999999999999999999s"), ("snapshots.frequency", "4294967295y4294967295y"),
            ("snapshots.keep", "0"), ("snapshots.keep", "451"), ("snapshots.keep", "off"), ("snapshots.keep", "-1"),
            ("snapshots.keep", "24h,24h"), ("snapshots.keep", "24x"), ("snapshots.keep", "24h,"),
            ("snapshots.keep", "0h"), ("snapshots.keep", "300h,100d,50w,1m"), ("snapshots.keep", "h"),
            ("snapshots.keep", "99999"),
        ])
    func refused(_ name: String, _ text: String) throws {
        let option = try #require(RuntimeOption(name: name))
        var settings = RuntimeSettings()
        let error = try #require(throws: VolumeError.self) { try settings.set(option, text) }
        #expect(error.code == .invalidOption)
        #expect(error.what == "use \(name)=\(text)")
        #expect(error.why.hasPrefix("it is not "))
        #expect(settings.isEmpty)
    }

    @Test(
        "names are read as people write them, and volplugin's names of limits mean the same",
        arguments: [
            ("writeIops", RuntimeOption.writeIOPS), ("WRITE_BPS", .writeBPS), ("Autogrow.At", .autogrowAt),
            ("rate-limit.write.iops", .writeIOPS), ("rate-limit.write-iops", .writeIOPS),
            ("snapshot.frequency", .snapshotFrequency), ("snapshot.keep", .snapshotKeep),
            ("Snapshots.Keep", .snapshotKeep), ("rate-limit.read.bps", .readBPS), ("Rate-Limit.Read-IOPS", .readIOPS),
            ("rate-limit.write.bps", .writeBPS),
        ])
    func volplugin(_ name: String, _ option: RuntimeOption) { #expect(RuntimeOption(name: name) == option) }

    @Test("there is a schedule where a frequency is set and snapshots are not off")
    func schedules() throws {
        #expect(try settings(["snapshots.keep": "3"]).schedule == nil)
        #expect(try settings(["snapshots.frequency": "30m"]).schedule == SnapshotSchedule(every: .seconds(1800)))
        #expect(try settings(["snapshots.frequency": "30m"]).schedule?.keep == .newest(20))
        let tiers = try settings(["snapshots": "on", "snapshots.frequency": "1h", "snapshots.keep": "24h,7d"])
        #expect(tiers.schedule?.keep == .tiers(hours: 24, days: 7, weeks: 0, months: 0) && tiers.contradiction == nil)
        #expect(try settings(["snapshots": "off", "snapshots.frequency": "1h"]).schedule == nil)
        #expect(try settings(["snapshots.frequency": "none"]).over(tiers).schedule == nil)
        #expect(try settings(["snapshots": "on"]).contradiction?.contains("needs snapshots.frequency") == true)
    }

    @Test("a keep that cannot be is refused with what it may be, and with the way to end a schedule")
    func keepNothing() throws {
        var settings = RuntimeSettings()
        let error = try #require(throws: VolumeError.self) { try settings.set(.snapshotKeep, "0") }
        #expect(error.description.contains("snapshots.keep=0") && error.description.contains("from 1 to 450"))
        #expect(error.description.contains("snapshots=off"))
    }

    @Test("a volume's own values go before those of its policy, also 'none'")
    func ownGoFirst() throws {
        let policy = try settings(["iops": "500", "write-bps": "20M"])
        let own = try settings(["iops": "none", "discard": "daily"])
        let both = own.over(policy)
        #expect(both.limits == IOLimits(writeBPS: 20 << 20))
        #expect(both.discard == .daily)
        var volume = try Fixture.volume(.ready)
        volume.runtime = own
        #expect(RuntimeRule.wanted(volume, policy: policy) == own, "it has no policy")
        let gold = try PolicyName("gold")
        volume.policy = gold
        #expect(RuntimeRule.wanted(volume, policy: policy) == both)
        #expect(RuntimeRule.wanted(volume, policy: nil) == nil, "its policy is not known")
        #expect(RuntimeRule.source(of: .iops, volume, policy: policy) == .volume)
        #expect(RuntimeRule.source(of: .writeBPS, volume, policy: policy) == .policy(gold))
        #expect(RuntimeRule.source(of: .bps, volume, policy: policy) == nil)
    }

    @Test("no volume grows by itself without a bound")
    func autogrow() throws {
        #expect(try settings(["autogrow.at": "85"]).autogrow == nil)
        #expect(try settings(["autogrow.at": "85"]).contradiction?.contains("autogrow.max") == true)
        let full = try settings(["autogrow.at": "85", "autogrow.max": "200G"])
        #expect(full.autogrow == Autogrow(at: 85, by: .percent(20), max: .gibibytes(200)))
        #expect(full.contradiction == nil)
        #expect(try settings(["autogrow.at": "off", "autogrow.max": "200G"]).autogrow == nil)
    }

    @Test("a step of growth is in whole MiB, at least one, and never beyond what a volume can have")
    func steps() {
        #expect(GrowthStep.percent(20).after(.gibibytes(10)) == .gibibytes(12))
        #expect(GrowthStep.percent(1).after(.mebibytes(10)) == .mebibytes(11))
        #expect(GrowthStep.size(.gibibytes(5)).after(.gibibytes(10)) == .gibibytes(15))
        #expect(GrowthStep.percent(1000).after(.maximum) == .maximum)
    }

    @Test("a part of a limit above the whole is a contradiction")
    func contradiction() throws {
        #expect(try settings(["iops": "100", "read-iops": "200"]).contradiction?.contains("read-iops=200") == true)
        #expect(try settings(["bps": "1M", "write-bps": "2M"]).contradiction?.contains("write-bps=2M") == true)
        #expect(
            try settings(["iops": "200", "read-iops": "100", "bps": "none", "write-bps": "2M"]).contradiction == nil)
    }

    @Test("values survive a record, also those of options that only newer versions know")
    func coding() throws {
        let text = #"{"iops":"500","discard":"daily","snapshots.frequency":"30m"}"#
        let read = try JSONDecoder().decode(RuntimeSettings.self, from: Data(text.utf8))
        #expect(read[.iops] == "500")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let again = try encoder.encode(read)
        #expect(
            String(decoding: again, as: UTF8.self) == #"{"discard":"daily","iops":"500","snapshots.frequency":"30m"}"#)
    }

    @Test("a record with a value that could not have been set is not read", arguments: ["0", "0500", "many"])
    func forged(_ value: String) throws {
        let read = try JSONDecoder().decode(RuntimeSettings.self, from: Data(#"{"iops":"\#(value)"}"#.utf8))
        #expect(throws: VolumeError.self) { try read.check() }
    }

    private func settings(_ values: [String: String]) throws -> RuntimeSettings {
        var settings = RuntimeSettings()
        for (name, value) in values { try settings.set(try #require(RuntimeOption(name: name)), value) }
        return settings
    }
}
