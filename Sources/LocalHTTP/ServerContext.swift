/// What every connection of one server shares.
struct ServerContext<Service: LocalService>: Sendable {
    let service: Service
    let budget: Duration
    let maximumBodySize: Int
    let open: OpenWork
}
