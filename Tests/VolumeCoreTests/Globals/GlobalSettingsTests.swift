import Testing

@testable import VolumeCore

@Suite("Settings of all nodes") struct GlobalSettingsTests {
    private func settings(_ values: [GlobalOption: String]) throws -> GlobalSettings {
        var settings = GlobalSettings()
        for (option, value) in values { try settings.set(option, value) }
        return settings
    }

    private func read(_ text: String) throws -> GlobalReading { try Golden.decode(GlobalReading.self, text) }

    @Test("They are written as always, and a record that says nothing sets nothing")
    func golden() throws {
        let all = try settings([.logLevel: "DEBUG", .operationTimeout: "1m", .mountWait: "0"])
        let text = #"{"log-level":"debug","mount-wait":"0s","operation-timeout":"60s","schema":1}"#
        #expect(try Golden.text(all) == text)
        #expect(try Golden.decode(GlobalSettings.self, text) == all)
        #expect(throws: Never.self) { try all.check() }
        #expect(all.logLevel == .debug && all.operationTimeout == .seconds(60) && all.mountWait == .zero)
        let none = try Golden.decode(GlobalSettings.self, #"{"schema":1}"#)
        #expect(none == GlobalSettings() && none.isEmpty && none.description == "none")
        #expect(none.logLevel == nil && none.operationTimeout == nil && none.mountWait == nil)
    }

    @Test("What a newer version has set survives, also where other settings take the place")
    func unknown() throws {
        let newer = try Golden.decode(GlobalSettings.self, #"{"later":[1],"log-level":"info","schema":1}"#)
        var other = GlobalSettings().inPlace(of: newer)
        #expect(!other.isEmpty && other[.logLevel] == nil)
        try other.set(.mountWait, "5s")
        #expect(try Golden.text(other) == #"{"later":[1],"mount-wait":"5s","schema":1}"#)
    }

    @Test(
        "A value that cannot be is refused with what is accepted, and a record that has one fails its check",
        arguments: [
            (GlobalOption.logLevel, "loud", "0 or error, 1 or warn, 2 or info, 3 or debug"),
            (.operationTimeout, "4s", "a time from 5s to 110s"), (.operationTimeout, "111", "a time from 5s to 110s"),
            (.operationTimeout, "2m", "a time from 5s to 110s"), (.operationTimeout, "-5", "a time from 5s to 110s"),
            (.operationTimeout, "99999999999", "a time from 5s to 110s"),
            (.mountWait, "101s", "a time from 0s to 100s"),
            (.mountWait, "", "a time from 0s to 100s"), (.mountWait, "1h", "a time from 0s to 100s"),
        ])
    func refused(_ option: GlobalOption, _ text: String, _ words: String) throws {
        #expect {
            try settings([option: text])
        } throws: {
            ($0 as? VolumeError)?.why.contains(words) == true && ($0 as? VolumeError)?.code == .invalidOption
        }
        let forged = try Golden.decode(GlobalSettings.self, #"{"\#(option.rawValue)":"\#(text)","schema":1}"#)
        #expect(throws: VolumeError.self) { try forged.check() }
    }

    @Test("A time that is written otherwise than the plugin writes it fails its check")
    func otherwise() throws {
        let forged = try Golden.decode(GlobalSettings.self, #"{"operation-timeout":"1m","schema":1}"#)
        #expect(throws: VolumeError.self) { try forged.check() }
    }

    @Test("Our keys are read in any common spelling, as texts or numbers")
    func ours() throws {
        let reading = try read(#"{"log_level": 3, "operationTimeout": 40, "MOUNT-WAIT": "3s"}"#)
        #expect(reading.notes.isEmpty)
        #expect(reading.settings.description == "log-level=debug operation-timeout=40s mount-wait=3s")
        #expect(try read("{}").settings.isEmpty)
    }

    @Test("volplugin's settings are accepted as they are: each is translated, or it is said where to set it")
    func volplugin() throws {
        let reading = try read(#"{"TTL": 60, "Debug": true, "Timeout": 5, "MountPath": "/mnt/ceph"}"#)
        #expect(reading.settings.description == "log-level=debug")
        let notes = Dictionary(uniqueKeysWithValues: reading.notes.map { ($0.key, $0.description) })
        #expect(notes["Debug"] == "'Debug' is read as log-level=debug")
        #expect(notes["TTL"]?.contains("set NODE_TTL on each node") == true)
        #expect(notes["MountPath"]?.contains("--mount-root") == true)
        #expect(notes["Timeout"]?.contains("110 s at most; operation-timeout takes seconds") == true)
        let minute = try read(#"{"Timeout": 1, "Debug": false}"#)
        #expect(minute.settings.description == "operation-timeout=60s")
        #expect(minute.notes.map(\.key) == ["Debug", "Timeout"])
    }

    @Test(
        "What are no settings is refused in a sentence that names it",
        arguments: [
            ("[]", "no JSON object"), (#"{"Tmeout": 5}"#, "did you mean 'Timeout'?"),
            (#"{"log-levle": "info"}"#, "did you mean 'log-level'?"), (#"{"colour": "red"}"#, "known are log-level"),
            (#"{"Debug": "perhaps"}"#, "neither true nor false"), (#"{"Timeout": "soon"}"#, "not a number of minutes"),
            (#"{"Timeout": -1}"#, "not a number of minutes"),
            (#"{"log-level": {}}"#, "neither a text nor a whole number"),
            (#"{"Debug": true, "log-level": "info"}"#, "given twice"),
            (#"{"operation-timeout": 60, "Timeout": 1.5}"#, "neither a text nor a whole number"),
        ])
    func unfit(_ text: String, _ words: String) throws {
        #expect {
            try read(text)
        } throws: {
            "\($0)".contains(words)
        }
    }
}
