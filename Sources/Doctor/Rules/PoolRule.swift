/// What is to be said of one pool.
enum PoolRule {
    static func result(_ place: CephSeen.Place, _ seen: CephSeen) -> CheckResult {
        if place.exists == false {
            return CheckResult(
                .pool, place.name, "",
                [
                    Finding(
                        .poolMissing, "there is no pool \(place.pool)",
                        remedy:
                            "'ceph osd pool create \(place.pool)' and 'rbd pool init \(place.pool)', or name another pool in "
                            + "RBD_DEFAULT_POOL")
                ])
        }
        if let silence = place.silence {
            return CheckResult(
                .pool, place.name, "",
                [
                    Finding(
                        .poolSilent, "the OSDs of pool \(place.pool) do not answer: \(silence)",
                        remedy: "'ceph -s' and 'ceph pg dump_stuck' on a monitor's host show which OSDs are missing")
                ])
        }
        let pool = seen.pools.first { $0.name == place.pool }
        let findings = caps(place, user: seen.user) + (pool.map(state) ?? [])
        if findings.isEmpty, let reason = [place.reading, place.writing].compactMap(\.reason).first {
            return .unknown(.pool, place.name, because: reason)
        }
        return CheckResult(
            .pool, place.name, findings.isEmpty ? "exists, and client.\(seen.user) may read and write there" : "",
            findings)
    }

    private static func caps(_ place: CephSeen.Place, user: String) -> [Finding] {
        let namespace = place.namespace.isEmpty ? "" : " namespace=\(place.namespace)"
        let remedy =
            "add 'profile rbd pool=\(place.pool)\(namespace)' to the OSD caps that 'ceph auth get client.\(user)' shows, with 'ceph auth "
            + "caps', which replaces all caps of the user"
        if place.reading == .denied {
            return [Finding(.capPoolRead, "client.\(user) may not read in \(place.name)", remedy: remedy)]
        }
        if place.writing == .denied {
            return [Finding(.capPoolWrite, "client.\(user) may not write in \(place.name)", remedy: remedy)]
        }
        return []
    }

    private static func state(of pool: CephSeen.Pool) -> [Finding] {
        var findings: [Finding] = []
        if !pool.applications.contains("rbd") {
            findings.append(
                Finding(
                    .poolNotForRBD, "pool \(pool.name) is not marked for RBD", remedy: "'rbd pool init \(pool.name)'"))
        }
        if !pool.flags.isDisjoint(with: ["full", "full_quota"]) {
            let quota = pool.flags.contains("full_quota")
            findings.append(
                Finding(
                    .poolFull, "pool \(pool.name) is full\(quota ? ", by its quota" : "")",
                    remedy: quota
                        ? "'ceph osd pool set-quota \(pool.name) max_bytes N', or delete data"
                        : "add OSDs or delete data; see 'ceph df'"))
        } else if !pool.flags.isDisjoint(with: ["nearfull", "backfillfull"]) {
            findings.append(
                Finding(
                    .poolNearlyFull, "pool \(pool.name) is nearly full",
                    remedy: "add OSDs or delete data; see 'ceph df'"))
        }
        return findings
    }
}

extension CephSeen {
    /// Those of the map; none when there is no map.
    var pools: [Pool] { if case .read(let map) = map { map.pools } else { [] } }
}
