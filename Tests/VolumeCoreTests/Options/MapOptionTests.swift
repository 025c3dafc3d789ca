import Testing
import VolumeCore

/// Options for mapping: what tunes the volume's own mapping is taken, and nothing else.
@Suite struct MapOptionTests {
    @Test(
        "E9: map options that tune the volume's own mapping are taken",
        arguments: [
            "queue_depth=256", "queue_depth=64,alloc_size=65536", "notrim", "rxbounce", "lock_timeout=30",
            "abort_on_full", "read_from_replica=balance",
            "read_from_replica=localize,crush_location=rack:r1|host:h-1.a", "compression_hint=incompressible",
            "tcp_nodelay", "notcp_nodelay", "rw", "noudev", "",
        ])
    func e9Tuning(_ words: String) {
        #expect(failure(["map-options": words]) == nil)
        #expect(failure(["map-options": words, "adopt": "true"]) == nil)
    }

    @Test(
        "E9: map options that concern security, the cluster or the plugin's own work are refused by their names",
        arguments: [
            "ms_mode=legacy", "ms_mode=secure", "ms_mode", "ip=10.0.0.9", "ip=10.0.0.9:0",
            "fsid=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "nocephx_sign_messages", "cephx_sign_messages",
            "nocephx_require_signatures", "cephx_require_signatures", "nocrc", "crc", "osd_request_timeout=1",
            "mount_timeout=1", "osdkeepalive=1", "osd_idle_ttl=1", "lock_on_read", "exclusive", "share", "noshare",
            "name=admin", "key=client.admin", "secret=AQ==", "_pool_ns=other", "ro", "read_only",
        ])
    func e9Operators(_ word: String) throws {
        for options in [["map-options": "queue_depth=64,\(word)"], ["map-options": word, "adopt": "true"]] {
            let error = try #require(failure(options), "\(word) was taken")
            #expect(error.code == .invalidOption)
            #expect(error.outcome == .refused)
            #expect(error.why.contains("'\(word)'"), "\(error.why)")
            #expect(!error.remedy.isEmpty)
            #expect(error.description.utf8.count < 500)
        }
    }

    @Test("E9: what only the setting can say is told so, and a read-only volume has a way of its own")
    func e9Remedies() {
        #expect(failure(["map-options": "ms_mode=legacy"])?.remedy.contains("RBD_MAP_OPTIONS") == true)
        #expect(failure(["map-options": "ro"])?.remedy.contains("mount-options=ro") == true)
    }

    @Test(
        "E9: a map option that nobody knows is refused, with the known ones",
        arguments: ["explode", "queue_depths=1", "Queue_depth=1", "MS_MODE=legacy", "=", "=1"])
    func e9Unknown(_ word: String) throws {
        let error = try #require(failure(["map-options": word]))
        #expect(error.why.contains("'\(word)' is not an option that tunes"), "\(error.why)")
        #expect(error.remedy.contains("alloc_size") && error.remedy.contains("queue_depth"))
        #expect(error.remedy.contains("RBD_MAP_OPTIONS"))
        #expect(error.description.utf8.count < 700)
    }

    @Test(
        "E9: a map option without the value that it needs is refused",
        arguments: [
            "queue_depth", "queue_depth=", "queue_depth=many", "alloc_size=4k", "notrim=1", "read_from_replica=any",
            "compression_hint=zip", "lock_timeout=-1", "crush_location=",
        ])
    func e9Values(_ word: String) throws {
        let error = try #require(failure(["map-options": word]))
        #expect(error.why.contains("'\(word)'"), "\(error.why)")
    }

    @Test("E9: a record that holds a forbidden map option is refused at Mount by its name, with what to do")
    func e9Record() throws {
        let name = try VolumeName("db")
        var spec = VolumeSpec(pool: "rbd", mapOptions: ["queue_depth=64", "notrim"])
        #expect(throws: Never.self) { try spec.refuseDangerousOptions(of: name) }
        spec.mapOptions.append("ms_mode=legacy")
        let error = #expect(throws: VolumeError.self) { try spec.refuseDangerousOptions(of: name) }
        #expect(error?.what == "mount volume db")
        #expect(error?.why.contains("'ms_mode=legacy'") == true)
        #expect(error?.remedy.contains("rbd-plugin volume forget db") == true)
        #expect(error?.remedy.contains("RBD_MAP_OPTIONS") == true)
    }
}
