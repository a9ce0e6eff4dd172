//! The doors of the server, told apart by path.

/// The path on which Flight SQL drivers exchange a password for a token.
pub const HANDSHAKE: &str = "/arrow.flight.protocol.FlightService/Handshake";

const FLIGHT: &str = "/arrow.flight.protocol.FlightService/";

/// The door that a path belongs to: `flight`, `grpc` or `http`.
pub fn of(path: &str) -> &'static str {
    if path.starts_with(FLIGHT) {
        return "flight";
    }
    // Every gRPC path has two parts, the first a dotted service name.
    match path.strip_prefix('/').and_then(|p| p.split_once('/')) {
        Some((service, method)) if service.contains('.') && !method.contains('/') => "grpc",
        _ => "http",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    #[rstest]
    #[case("/arrow.flight.protocol.FlightService/DoGet", "flight")]
    #[case("/lakewarden.v1.Catalogs/CreateCatalog", "grpc")]
    #[case("/grpc.health.v1.Health/Check", "grpc")]
    #[case("/healthz", "http")]
    #[case("/a/b/c", "http")]
    fn paths_belong_to_doors(#[case] path: &str, #[case] door: &str) {
        assert_eq!(super::of(path), door);
    }
}
