//! Lists come in pages; commands show all of them, or as many as asked for.

use tonic::Status;

use crate::error::CliError;

/// The largest page that the server gives.
const PAGE: u64 = 1000;

/// Fetches pages until there are no more, or until there are `limit` items.
///
/// # Errors
/// Those of `fetch`; and when the server repeats a page, which would never end.
pub async fn all<T, F>(limit: Option<u64>, mut fetch: F) -> Result<Vec<T>, CliError>
where
    F: AsyncFnMut(i32, String) -> Result<(Vec<T>, String), Status>,
{
    let wanted = limit.map_or(usize::MAX, |l| usize::try_from(l).unwrap_or(usize::MAX));
    let mut items = Vec::new();
    let mut token = String::new();
    loop {
        let missing = u64::try_from(wanted.saturating_sub(items.len())).unwrap_or(PAGE);
        let size = i32::try_from(missing.clamp(1, PAGE)).unwrap_or(i32::MAX);
        let (page, next) = fetch(size, token.clone()).await?;
        items.extend(page);
        if next.is_empty() || items.len() >= wanted {
            items.truncate(wanted);
            return Ok(items);
        }
        if next == token {
            return Err(CliError::Protocol("the server repeats a page of the list".to_owned()));
        }
        token = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of the numbers below `total`, in pages of at most `page`.
    async fn numbers(total: usize, page: usize, limit: Option<u64>) -> (Vec<usize>, Vec<i32>) {
        let mut sizes = Vec::new();
        let items = all(limit, async |size, token: String| {
            sizes.push(size);
            let start = token.parse().unwrap_or(0usize);
            let end = total.min(start + page.min(usize::try_from(size).unwrap()));
            Ok(((start..end).collect(), if end < total { end.to_string() } else { String::new() }))
        })
        .await
        .unwrap();
        (items, sizes)
    }

    #[tokio::test]
    async fn all_pages_are_fetched() {
        assert_eq!(numbers(2500, 1000, None).await, ((0..2500).collect(), vec![1000, 1000, 1000]));
        assert_eq!(numbers(0, 10, None).await.0, Vec::<usize>::new());
    }

    #[tokio::test]
    async fn no_more_is_asked_for_than_wanted() {
        assert_eq!(numbers(2500, 1000, Some(3)).await, (vec![0, 1, 2], vec![3]));
        assert_eq!(numbers(2500, 1000, Some(1001)).await.1, vec![1000, 1]);
    }

    #[tokio::test]
    async fn a_server_that_repeats_a_page_is_not_followed_for_ever() {
        let result = all(None, async |_, _| Ok((vec![1], "again".to_owned()))).await;
        assert!(matches!(result, Err(CliError::Protocol(_))));
    }
}
