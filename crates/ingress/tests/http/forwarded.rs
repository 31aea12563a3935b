//! Behind a load balancer: whose calls are counted together.

use crate::members::Members;
use outbound::{Answer, Site};
use std::net::{IpAddr, Ipv4Addr};

/// A call by way of whoever calls from 127.0.x.y, who says it is for `client`.
async fn call(site: &Site, client: &str) -> Answer {
    site.send("GET", "/few", &[("x-forwarded-for", client)], &[]).await.unwrap()
}

/// How many calls are left to the address, as the answer tells.
fn left(answer: &Answer) -> u32 {
    let text = answer.header("ratelimit").unwrap();
    text.split(";r=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap()
}

/// Members behind a balancer at 127.9.0.0/16.
async fn balanced() -> (Members, Site, Site) {
    let members = Members::with(|settings| settings.trusted = vec!["127.9.0.0/16".parse().unwrap()]).await;
    let balancer = members.house.site.from_address(IpAddr::V4(Ipv4Addr::new(127, 9, 0, 1)));
    let stranger = members.house.site.from_address(IpAddr::V4(Ipv4Addr::new(127, 8, 0, 1)));
    (members, balancer, stranger)
}

#[tokio::test]
async fn a_trusted_proxy_tells_its_callers_apart() {
    let (_members, balancer, _) = balanced().await;
    let first = left(&call(&balancer, "203.0.113.1").await);
    for spoofed in
        ["203.0.113.1", "1.1.1.1, 203.0.113.1", "2.2.2.2, nonsense, 203.0.113.1:99", "203.0.113.1, 127.9.3.4"]
    {
        assert!(left(&call(&balancer, spoofed).await) < first, "{spoofed}");
    }
    assert_eq!(left(&call(&balancer, "203.0.113.2").await), first, "another caller has calls of their own");
    let subscriber = left(&call(&balancer, "2001:db8:0:1::1").await);
    assert!(left(&call(&balancer, "2001:db8:0:1:9::9").await) < subscriber, "one IPv6 network of 64 bits");
    assert_eq!(left(&call(&balancer, "2001:db8:0:2::1").await), subscriber);
}

#[tokio::test]
async fn nobody_else_chooses_an_address() {
    let (_members, balancer, stranger) = balanced().await;
    let first = left(&call(&stranger, "203.0.113.1").await);
    assert!(left(&call(&stranger, "203.0.113.2").await) < first, "the header of a stranger is ignored");
    assert_eq!(left(&call(&balancer, "203.0.113.1").await), first, "and nobody's calls were used up by it");
    let nobody = left(&call(&balancer, "what").await);
    for bad in ["9.9.9.9, what", "", "8.8.8.8,,"] {
        assert!(left(&call(&balancer, bad).await) < nobody, "malformed counts against the proxy itself: {bad}");
    }
}
